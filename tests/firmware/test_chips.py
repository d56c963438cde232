"""The firmware on the five chips that QEMU has: it starts, says what it is, and computes what every other machine does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.deploy import connect, deploy, remove, rollback, status
from edgeq_host.device import MEMORY
from edgeq_host.errors import RolledBackError
from edgeq_host.faults import Refused
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import firmware, native
from tests.agent.conftest import packed, sample
from tests.firmware.conftest import CHIPS, Chip

CORE = {
    "sim:cortex-m3": ("Cortex-M3", 25_000_000),
    "sim:cortex-m4": ("Cortex-M4", 25_000_000),
    "sim:cortex-m7": ("Cortex-M7", 25_000_000),
    "sim:cortex-m33": ("Cortex-M33", 20_000_000),
    "sim:cortex-m55": ("Cortex-M55", 32_000_000),
}


def _says_what_it_is(chip: Chip, name: str) -> None:
    target = chip(name)
    facts = status(target).device
    board = target.board
    assert board is not None and board.evidence.kind == "emulated"
    assert (facts.machine, facts.clock_hz) == (f"{CORE[name][0]}, emulated", CORE[name][1])
    assert facts.board == board.id and facts.system == "none"
    on = firmware.enabled(firmware.port_of(CHIPS[name]))
    assert facts.isa_names == board.chip.isas == tuple(isa for isa in on if on[isa])
    assert 400_000 < facts.memory_free < facts.memory_bytes
    assert facts.kernels and all(kernel.rpartition("__")[2] in facts.isa_names for kernel in facts.kernels)


def test_a_cortex_m4_starts_and_says_what_it_is(chip: Chip) -> None:
    _says_what_it_is(chip, "sim:cortex-m4")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHIPS)
def test_every_chip_starts_says_what_it_is_and_computes_what_this_machine_does(name: str, chip: Chip) -> None:
    _says_what_it_is(chip, name)
    target, data = chip(name), packed(3)
    with RemoteModel(target, "net", data) as there:
        outputs = there.run(sample())
        assert np.array_equal(outputs, native.Model(data, isas=1).run(sample()))
    measured = profile(target, "net", runs=100, data=data)
    assert measured.source == "emulated" and len(measured.layers) == 2 and measured.layers[0].p99_us > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", CHIPS)
def test_what_is_deployed_stays_on_the_flash_and_can_be_gone_back_from(name: str, chip: Chip, tmp_path: Path) -> None:
    target, file = chip(name), tmp_path / "net.eqm"
    assert not status(target).models
    for version in (1, 2):
        file.write_bytes(packed(version))
        found = deploy(target, file)
        assert (found.version, found.changed) == (version, True)
    assert not deploy(target, file).changed
    for version in (2, 1):
        with RemoteModel(target, "net") as there:
            assert np.array_equal(there.run(sample()), native.Model(packed(version), isas=1).run(sample()))
        if version == 2:
            assert rollback(target, "net").version == 1
    file.write_bytes(packed(3, break_output=True))
    with pytest.raises(RolledBackError):
        deploy(target, file)
    model = status(target).models[0]
    assert model.current is not None and model.current.version == 1
    remove(target, "net")
    assert not status(target).models


@pytest.mark.slow
def test_a_chip_goes_on_after_a_file_that_it_refuses(chip: Chip) -> None:
    target, data = chip("sim:cortex-m4"), packed(3)
    broken = bytearray(data)
    broken[40] ^= 1
    with connect(target) as device:
        device.put("", bytes(broken), MEMORY)
        with pytest.raises(Refused, match="a checksum differs"):
            device.open("")
        device.put("", data, MEMORY)
        assert device.open("").macs > 0
