"""`python -m tests.runtime.seeds` writes tests/data/fuzz_file, the body of a small file of every operator, and fuzz_container.

Files there with other names were found by fuzzing.
"""

from __future__ import annotations

from contextlib import suppress

from edgeq_host.errors import UsageError
from edgeq_host.export import prepack, unpack
from edgeq_runtime import lists
from tests.fuzzing import DATA
from tests.runtime.models import body_of, branches, one_of_each, sealed, with_costs, with_selftest

MAX_BYTES = 4096  # a longer body slows the fuzzer and shows it nothing new
PACKED = ("conv2d_s8", "depthwise_conv2d_s8", "conv2d_b1", "fully_connected_s8_s4", "fully_connected_s8_nested", "conv2d_s16")


RIGHT = 255  # of fuzz_container's first byte: everything is made right
FIELDS = {"costs": 2, "versions": 4, "length": 8, "zeros": 16, "sha": 32, "crc": 64, "costs_crc": 128}


def bodies() -> dict[str, bytes]:
    files = {**one_of_each(), "branches": with_selftest(branches(), (1, 7))}
    for name in PACKED:
        files[f"{name}_packed"] = prepack(unpack(files[name], name), _packing(files[name]))
    return {name: body for name, data in files.items() if len(body := body_of(data)) <= MAX_BYTES}


def _packing(data: bytes) -> list[str]:
    """The instruction sets that pack something of a file."""
    found = []
    for isa in lists.isas():
        with suppress(UsageError):
            prepack(unpack(data, ""), [isa])
            found.append(isa)
    return found


def containers() -> dict[str, bytes]:
    """A file as it is, with costs, for other versions; and pieces of which all but one field is made right."""
    good = with_selftest(branches(), (1,))
    as_is = {
        "plain": good,
        "costs": with_costs(good, b"measured"),
        "no_costs": with_costs(good, b""),
        "newer_minor": sealed(body_of(good), 1 << 16 | 9),
        "newer_major": sealed(body_of(good), 2 << 16),
        "newer_runtime": sealed(body_of(good), 1 << 16, 2),
        "only_trailer": sealed(b""),
    }
    costs = b"measured"
    pieces = {"all": RIGHT, **{f"all_but_{name}": RIGHT & ~bit for name, bit in FIELDS.items()}}
    return {
        **{name: b"\0\0" + data for name, data in as_is.items()},
        **{name: bytes([how, len(costs)]) + good + costs for name, how in pieces.items()},
    }


def main() -> None:
    for folder, files in (("fuzz_file", bodies()), ("fuzz_container", containers())):
        (DATA / folder).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (DATA / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
