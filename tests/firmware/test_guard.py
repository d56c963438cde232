"""Work that crashes or never ends on a chip: the agent stays, says what happened, and has all its memory back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import programs
from edgeq_host.deploy import connect
from edgeq_host.device import MEMORY
from edgeq_runtime import build, firmware, native
from tests.agent.conftest import packed, sample
from tests.firmware.conftest import CHIPS, Chip

pytestmark = pytest.mark.slow
FAULTY = Path(__file__).with_name("faulty_check.c")
CRASHED, HUNG = "the self-test crashed", "the self-test did not end in its time"


def _faulty(name: str, folder: Path) -> Path:
    """The firmware of a port with other work to guard."""
    port = firmware.port_of(name)
    config, on = firmware.config(port), firmware.enabled(port)
    config = replace(config, flags=(*config.flags, f"-DEQ_MAX_INPUTS={firmware.LITTLE_INPUTS}"))
    sources = [*build.target_sources("chip", on), *config.sources, FAULTY]
    apart = replace(
        config, tag=f"{config.tag}-faulty", flags=(*config.flags, "-fno-lto")
    )  # calls that are linked as a whole are not wrapped
    apart.folder.mkdir(parents=True, exist_ok=True)
    alone = {"agent_probe", FAULTY.stem}
    objects = [build.compile_one(apart if source.stem in alone else config, on, source) for source in sources]
    output = folder / name / "edgeq.elf"
    output.parent.mkdir(parents=True)
    return build.link(replace(config, link=(*config.link, "-Wl,--wrap=eq_port_check_kernel")), "chip", objects, output)


@pytest.mark.parametrize("name", CHIPS)
def test_work_that_does_not_end_well_leaves_the_agent_and_its_memory(
    name: str, chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, data = chip(name), packed(3)
    _faulty(CHIPS[name], tmp_path / "firmware")
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path / "firmware")
    with connect(target) as device:
        free = device.facts().memory_free
        checked = [row for row in device.check_kernels(0.2) if row.here]
        assert [row.fault for row in checked[:6]] == [CRASHED, CRASHED, HUNG, HUNG, "", ""]
        assert checked[5].cases == 7
        assert device.facts().memory_free == free
        device.put("", data, MEMORY)
        device.open("")
        outputs, _ = device.infer([("f32", sample().tobytes())])
        assert outputs[0] == np.asarray(native.Model(data, isas=1).run(sample())).tobytes()
