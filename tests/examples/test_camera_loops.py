"""04_camera_loop.py and 05_camera_loop.c follow what is deployed, frame by frame."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import edgeq_host
import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host.recipe import Recipe
from edgeq_runtime import build, native
from tests.agent.conftest import Local, packed
from tests.packaging.test_oldest_python import oldest

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = EXAMPLES / "digits"
FRAMES = sorted((DIGITS / "frames").glob("*.pgm"))
ENOUGH = 4  # frames with a version, before the next thing is done
SANITIZED = {"ASAN_OPTIONS": "exitcode=77:detect_leaks=1", "UBSAN_OPTIONS": "exitcode=77"}


def quantized(calibrator: str) -> bytes:
    return edgeq_host.quantize(DIGITS / "digits.onnx", DIGITS / "calibration.npz", recipe=Recipe(calibrator=calibrator)).data


@pytest.fixture(scope="module")
def digits() -> tuple[bytes, bytes]:
    """Two versions of one model."""
    return quantized("minmax"), quantized("percentile")


def compiled(folder: Path, sanitize: bool) -> Path:
    """With the command of the file's head; beyond it, no warning is let pass."""
    config = build.config_for("lib", None, sanitize)
    library = build.build("lib", config).parent
    command = re.findall(r"\* +(cc .*)", (EXAMPLES / "05_camera_loop.c").read_text(encoding="utf-8"))[0]
    strict = f"{config.cc} -std=c11 -Wall -Wextra -Wconversion -Werror {' '.join(config.flags)} "
    command = command.replace("cc ", strict, 1).replace("05_camera_loop.c", str(EXAMPLES / "05_camera_loop.c"))
    where = f'at() {{ case $1 in include) echo "{edgeq_runtime.include_dir()}" ;; library) echo "{library}" ;; esac; }}'
    subprocess.run(["sh", "-ec", f"{where}\n{command}"], cwd=folder, check=True)
    return folder / "camera_loop"


@pytest.fixture(scope="module", params=["c", pytest.param("sanitized", marks=pytest.mark.slow)])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("loop"), request.param == "sanitized")


@dataclass(frozen=True)
class Frame:
    number: int
    version: int
    label: int
    scores: tuple[float, ...]


@dataclass
class Loop:
    """A loop that runs, with what it has printed."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def frames(self) -> list[Frame]:
        lines = [line.split() for line in self.out.read_text().splitlines(keepends=True) if line.endswith("\n")]
        assert all(line[::2][:3] == ["frame", "version", "label"] for line in lines)
        return [Frame(int(w[1]), int(w[3]), int(w[5]), tuple(map(float.fromhex, w[6:]))) for w in lines]

    def until(self, reached: Callable[[list[Frame]], bool]) -> None:
        end = time.monotonic() + 60
        while not reached(self.frames()):
            assert self.process.poll() is None and time.monotonic() < end, self.err.read_text() + self.out.read_text()
            time.sleep(0.005)

    def until_version(self, version: int) -> None:
        """The last frames were answered by it."""
        self.until(lambda frames: len(frames) >= ENOUGH and {f.version for f in frames[-ENOUGH:]} == {version})

    def until_more(self) -> None:
        before = len(self.frames())
        self.until(lambda frames: len(frames) >= before + ENOUGH)

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        assert self.process.wait(20) == 0, self.err.read_text()


@pytest.fixture
def start(tmp_path: Path, local: Local) -> Iterator[Callable[..., Loop]]:
    loops: list[Loop] = []

    def begin(*command: object) -> Loop:
        out, err = tmp_path / f"out{len(loops)}", tmp_path / f"err{len(loops)}"
        words = [*map(str, command), "-r", "100", "-s", *map(str, FRAMES)]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(words, stdout=stdout, stderr=stderr, env={**os.environ, **SANITIZED})
        loops.append(Loop(process, out, err))
        return loops[-1]

    yield begin
    for loop in loops:
        loop.process.kill()
        loop.process.wait()


@pytest.fixture
def loops(start: Callable[..., Loop], program: Path, local: Local, digits: tuple[bytes, bytes]) -> list[Loop]:
    """Both, with version 1 deployed and running."""
    d.deploy(local.target, local.file("digits", digits[0]))
    started = [start(sys.executable, EXAMPLES / "04_camera_loop.py"), start(program)]
    for loop in started:
        loop.until_version(1)
    return started


def expected(data: bytes) -> list[tuple[float, ...]]:
    """Scores of every frame."""
    with np.load(DIGITS / "test.npz") as test:
        images = test["x"][: len(FRAMES)].astype(np.float32)
    model = native.Model(data)
    return [tuple(map(float, model.run(image[None]).reshape(-1))) for image in images]


def check(loop: Loop, by_version: dict[int, bytes]) -> list[int]:
    """Every frame was answered, once and in order, by the version that the line names. Versions in the order in which they ran."""
    answers = {version: expected(data) for version, data in by_version.items()}
    frames = loop.frames()
    assert [f.number for f in frames] == list(range(1, len(frames) + 1))
    for frame in frames:
        scores = answers[frame.version][(frame.number - 1) % len(FRAMES)]
        assert frame.scores == scores and frame.label == int(np.argmax(scores))
    assert f"{len(frames)} frames, " in loop.err.read_text().splitlines()[-1]
    versions = [f.version for f in frames]
    return [v for i, v in enumerate(versions) if i == 0 or v != versions[i - 1]]


def test_both_loops_take_a_deployment_and_a_rollback_and_drop_no_frame(
    loops: list[Loop],
    local: Local,
    digits: tuple[bytes, bytes],
) -> None:
    d.deploy(local.target, local.file("digits", digits[1]))
    for loop in loops:
        loop.until_version(2)
    d.rollback(local.target, "digits")
    for loop, number in zip(loops, (signal.SIGTERM, signal.SIGINT), strict=True):
        loop.until_version(1)
        loop.end(number)
        assert check(loop, {1: digits[0], 2: digits[1]}) == [1, 2, 1]
        assert loop.err.read_text().count("\n") == 1
    assert all(a != b for a, b in zip(expected(digits[0]), expected(digits[1]), strict=True)), "the versions cannot be told apart"


def test_both_loops_go_on_where_the_model_is_removed_and_take_the_next(
    loops: list[Loop],
    local: Local,
    digits: tuple[bytes, bytes],
) -> None:
    d.remove(local.target, "digits")
    for loop in loops:
        loop.until_more()
    d.deploy(local.target, local.file("digits", digits[1]))
    second = expected(digits[1])
    for loop in loops:
        loop.until(lambda frames: frames[-1].scores == second[(frames[-1].number - 1) % len(FRAMES)])
        loop.end(signal.SIGTERM)
        frames, told = loop.frames(), loop.err.read_text()
        assert [f.number for f in frames] == list(range(1, len(frames) + 1))
        assert "no such model" in told and told.count("version 1 goes on") == 1 and told.count("\n") == 2


def test_both_loops_refuse_a_version_for_other_frames_until_one_fits(
    loops: list[Loop],
    local: Local,
    digits: tuple[bytes, bytes],
) -> None:
    for loop in range(2):  # the same refusal again after a rollback: told again, not taken
        if loop:
            d.rollback(local.target, "digits")
            for running in loops:
                running.until_more()
                assert running.err.read_text().count("\n") == 1
        d.deploy(local.target, local.file("digits", packed(1)))
        for running in loops:
            running.until_more()
            assert running.err.read_text().count("version 1 goes on") == loop + 1
    last = d.deploy(local.target, local.file("digits", digits[1])).version
    for running in loops:
        running.until_version(last)
        running.end(signal.SIGINT)
        assert check(running, {1: digits[0], last: digits[1]}) == [1, last]


def once(program: Path | str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [str(program)] if Path(program).suffix != ".py" else [sys.executable, str(program)]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, env={**os.environ, **SANITIZED}, timeout=60)


@pytest.fixture(params=["python", "c"])
def either(request: pytest.FixtureRequest, program: Path, local: Local, digits: tuple[bytes, bytes]) -> Path:
    d.deploy(local.target, local.file("digits", digits[0]))
    return program if request.param == "c" else EXAMPLES / "04_camera_loop.py"


HEAD = b"P5\n8 8\n16\n"
HOSTILE = [b"", b"P5", HEAD, HEAD + bytes(63), HEAD + bytes(65), b"P2\n8 8\n16\n" + bytes(64), b"P5\n8 8\n0\n" + bytes(64)]
HOSTILE += [
    b"P5\n8 8\n65535\n" + bytes(64),
    b"P5\n-8 -8\n16\n" + bytes(64),
    b"P5\n8 4\n16\n" + bytes(32),
    b"P5\n99999 99999\n16\n" + bytes(64),
]


@pytest.mark.slow
@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_a_file_that_is_no_frame_of_the_model_ends_with_one_line(either: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.pgm").write_bytes(data)
    done = once(either, "-r", 1000, FRAMES[0], tmp_path / "bad.pgm")
    assert done.returncode == 1 and done.stdout.startswith("frame 1 ") and done.stdout.count("\n") == 1
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_a_count_of_frames_ends_the_loop_and_what_is_missing_is_said(either: Path, tmp_path: Path) -> None:
    done = once(either, "-r", 1000, "-n", 3, *FRAMES)
    assert done.returncode == 0 and [line.split()[1] for line in done.stdout.splitlines()] == ["1", "2", "3"]
    with np.load(DIGITS / "test.npz") as test:
        assert [int(line.split()[-1]) for line in done.stdout.splitlines()] == test["y"][:3].tolist()
    for words in (["-m", "nothing", FRAMES[0]], [tmp_path / "absent.pgm"]):
        done = once(either, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    for words in ([], ["-r", "0", FRAMES[0]], ["-r", "nan", FRAMES[0]]):
        assert once(either, *words).returncode == 2


def test_the_c_loop_allocates_nothing(program: Path) -> None:
    """Its own code; the runtime allocates nothing at all."""
    names = subprocess.run(["nm", "-u", program], capture_output=True, text=True, check=True).stdout
    assert "eq_run" in names and not re.search(r"\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|fopen)\b", names)


@pytest.mark.slow
@pytest.mark.parametrize("arch", build.CROSS)
def test_the_c_loop_compiles_for_every_machine_without_a_warning(arch: str, tmp_path: Path) -> None:
    cc = build.cross("agent", arch).cc.split()
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{build.CSRC}", "-c", "-o", tmp_path / "loop.o"]
    subprocess.run([*cc, *flags, EXAMPLES / "05_camera_loop.c"], check=True)


def test_the_python_loop_runs_in_the_oldest_python_without_numpy(local: Local, digits: tuple[bytes, bytes], tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('as if it were not installed')\n")
    d.deploy(local.target, local.file("digits", digits[0]))
    path = os.pathsep.join([str(tmp_path), str(EXAMPLES.parent)])
    command = [oldest("array"), str(EXAMPLES / "04_camera_loop.py"), "-n", "2", "-s", "-r", "1000", *map(str, FRAMES)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [tuple(map(float.fromhex, line.split()[6:])) for line in done.stdout.splitlines()]
    assert found == expected(digits[0])[:2]


def test_the_frames_are_the_first_images_of_the_test() -> None:
    assert len(FRAMES) == 20
    with np.load(DIGITS / "test.npz") as test:
        for image, path in zip(test["x"], FRAMES, strict=False):
            assert path.read_bytes() == HEAD + (image * 16).astype(np.uint8).tobytes()
