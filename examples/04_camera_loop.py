"""A camera loop on the device: one inference a frame, at a given rate, by whatever version of the model is deployed just then.

    python3 04_camera_loop.py digits/frames/*.pgm

It prints a line for each frame: number, version, label. A new deployment or a rollback is taken between two frames and costs none.
Where the model is removed, or a version comes that takes other frames, it says so and the version that it has goes on.
SIGTERM (systemctl stop) and Ctrl-C end it after the frame that it is at, with exit code 0.

To make it yours, replace `camera` and `answered`. Needs Python 3.6 and edgeq_runtime; no numpy.
"""

import argparse
import signal
import sys
import time
from array import array

import edgeq_runtime

END = (signal.SIGINT, signal.SIGTERM)


def camera(paths):
    """The stand-in for a camera: pictures from files, over and over. Yields arrays of grey, 0 to 1, line after line.

    With a Raspberry Pi camera (python3-picamera2), for a model that takes 96 x 96 grey pictures:

        camera = Picamera2()
        camera.configure(camera.create_video_configuration({"format": "YUV420", "size": (96, 96)}))
        camera.start()
        while True:
            yield camera.capture_array()[:96, :96].astype("float32").reshape(1, 1, 96, 96) / 255

    With OpenCV and a USB camera:

        camera = cv2.VideoCapture(0)
        while True:
            there, picture = camera.read()
            if not there:
                raise OSError("the camera gives no picture")
            grey = cv2.cvtColor(cv2.resize(picture, (96, 96)), cv2.COLOR_BGR2GRAY)
            yield grey.astype("float32").reshape(1, 1, 96, 96) / 255
    """
    while True:
        for path in paths:
            yield pgm(path)


def pgm(path):
    """The grey values of a .pgm (P5, a byte a pixel, no comments), 0 to 1. ValueError where it is another file."""
    with open(path, "rb") as file:
        head, data = [file.readline(32).split() for _ in range(3)], file.read()
    try:
        (kind,), (width, height), (most,) = head[0], map(int, head[1]), map(int, head[2])
    except ValueError:
        kind, width, height, most = b"", 0, 0, 0
    if kind != b"P5" or width < 1 or not 0 < most < 256 or len(data) != width * height:
        raise ValueError(f"{path}: not a binary .pgm of one byte a pixel; convert picture.png -depth 8 {path}")
    return array("f", [value / most for value in data])


def run(model, frame):
    """Scores of one frame, and what is wrong with the version that is deployed ("": nothing, it has run)."""
    try:
        model.follow = True
        return model.run(frame), ""  # takes a new version first, where there is one
    except edgeq_runtime.Error as error:
        model.follow = False  # removed, damaged, or made for other frames: with the version that is open
        return model.run(frame), str(error)


def answered(number, model, scores, every):
    """What is done with an answer. scores: the values of the model's output, in any shape."""
    values = memoryview(scores).cast("B").cast("f")
    label = max(range(len(values)), key=values.__getitem__)
    exact = [float(value).hex() for value in values] if every else []
    print("frame", number, "version", model.version, "label", label, *exact, flush=True)


def loop(model, frames, rate, count, every):
    """Until `count` frames (0: no end) or a signal. The number of frames and of those that came late."""
    said, late, due = "", 0, time.monotonic()
    for number, frame in enumerate(frames, 1):
        scores, wrong = run(model, frame)
        if wrong and wrong != said:
            print(f"{wrong}; version {model.version} goes on", file=sys.stderr, flush=True)
        said = wrong
        answered(number, model, scores, every)
        due += 1 / rate
        wait = due - time.monotonic()
        if wait < 0:  # this frame took too long: the rate counts from now on, frames are not hurried after one another
            late, due, wait = late + 1, due - wait, 0
        if number == count or signal.sigtimedwait(END, wait):
            return number, late
    return 0, 0  # a camera has no end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", nargs="+", metavar="FRAME.pgm")
    parser.add_argument("-m", dest="model", default="digits", help="name of the deployed model (digits)")
    parser.add_argument("-r", dest="rate", type=float, default=10, help="frames a second (10)")
    parser.add_argument("-n", dest="count", type=int, default=0, help="end after so many frames")
    parser.add_argument("-s", dest="every", action="store_true", help="also print every score, exactly")
    args = parser.parse_args()
    if not 0.001 <= args.rate <= 1000 or args.count < 0:
        parser.error("-r takes 0.001 to 1000 frames a second, -n no negative number")
    # Held back while a frame is at work, and looked at between two: no frame is cut in half.
    signal.pthread_sigmask(signal.SIG_BLOCK, END)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `... | head` ends it without a word, as any other program
    try:
        model = edgeq_runtime.open(args.model, follow=True)
        number, late = loop(model, camera(args.frames), args.rate, args.count, args.every)
    except (edgeq_runtime.Error, OSError, ValueError) as error:
        sys.exit(str(error))
    print(f"{number} frames, {late} of them late", file=sys.stderr)


if __name__ == "__main__":
    main()
