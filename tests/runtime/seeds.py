"""`python -m tests.runtime.seeds` writes tests/data/fuzz_file: the body of a small file of every operator.

Files there with other names were found by fuzzing.
"""

from __future__ import annotations

from pathlib import Path

from tests.runtime.models import body_of, branches, one_of_each, with_selftest

MAX_BYTES = 4096  # a longer body slows the fuzzer and shows it nothing new


def main() -> None:
    folder = Path(__file__).parents[1] / "data" / "fuzz_file"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {**one_of_each(), "branches": with_selftest(branches(), (1, 7))}.items():
        if len(body_of(data)) <= MAX_BYTES:
            (folder / name).write_bytes(body_of(data))


if __name__ == "__main__":
    main()
