"""`python -m tests.link.seeds` writes tests/data/fuzz_frame: what an end hears in sessions with and without loss."""

from __future__ import annotations

import random
from pathlib import Path

from edgeq_host.linklib import Endpoint
from tests.link.simulation import LARGE, Simulation, bit_errors, clean
from tests.link.test_frame import Receiver, uncobs

FOLDER = Path(__file__).parents[1] / "data" / "fuzz_frame"
DATA = random.Random(1).randbytes(3000)


def heard(loss: float, device: bool) -> list[bytes]:
    """The frames that one end receives."""
    frames: list[bytes] = []
    damage = bit_errors(loss, 7) if loss else clean

    def keep(number: int, frame: bytes) -> list[bytes]:
        arrived = damage(number, frame)
        frames.extend(arrived)
        return arrived

    Simulation(keep if device else clean, clean if device else keep).transfer(DATA, DATA[:900])
    return frames


def portions(data: bytes) -> bytes:
    """Length, then bytes, as the fuzz target takes them."""
    return b"".join(bytes([len(data[at : at + 200])]) + data[at : at + 200] for at in range(0, len(data), 200))


def contents(frames: list[bytes]) -> bytes:
    """The frames without COBS and CRC, with short payloads; session 1."""
    plain = [raw for frame in frames if Receiver().feed(frame) and (raw := uncobs(frame.strip(b"\0"))) is not None]
    return b"".join(bytes([len(p[:60])]) + p[:1] + b"\1\0" + p[3:60] for p in (raw[:-4] for raw in plain))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for loss in (0.0, 1e-3):
        for device in (True, False):
            frames, name = heard(loss, device), f"{'device' if device else 'host'}_{'noise' if loss else 'clean'}"
            (FOLDER / f"{name}_bytes").write_bytes(bytes([0 if device else 1]) + portions(b"".join(frames))[:4000])
            (FOLDER / f"{name}_frames").write_bytes(bytes([2 if device else 3]) + contents(frames)[:4000])
    host = Endpoint(LARGE)
    host.connect(1, 0)
    (FOLDER / "hello_after_noise").write_bytes(b"\0" + portions(b"boot: ok\r\n" + bytes(range(256)) + host.transmit(0) * 2))


if __name__ == "__main__":
    main()
