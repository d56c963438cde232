"""Host and agent at the ends of a serial line of 115200 baud with faults, in modelled time (tests/link/modelled.py)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import deploy as d
from edgeq_host.device import STORE
from edgeq_host.errors import EdgeqError, LinkError, RestartedError
from edgeq_host.remote import RemoteModel
from edgeq_runtime import native
from tests.agent.conftest import packed, sample
from tests.link.conftest import Connect
from tests.link.modelled import Chip, Line, Mixed
from tests.link.simulation import bit_errors

DATA = random.Random(1).randbytes(256 << 10)
QUICK_S = 8.0  # modelled, for what a reset costs: far below the 30 s after which a host takes a device for silent
Chips = Callable[..., Chip]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.eqm"
    path.write_bytes(packed(1))
    return path


def _put(line: Line, at_the_end_of: Connect) -> float:
    with d.connect(at_the_end_of(line)) as device:
        before = line.clock()
        device.put("net", DATA, STORE)  # the device has compared the SHA-256
        return line.clock() - before


@pytest.mark.parametrize("seed", range(2))
def test_256_kib_at_115200_baud_and_bit_errors_of_1e_3_take_less_than_120_s(seed: int, chips: Chips, at_the_end_of: Connect) -> None:
    noisy = _put(Line(chips(), bit_errors(1e-3, seed), bit_errors(1e-3, seed + 100)), at_the_end_of)
    print(f"256 KiB at 115200 baud, bit errors 1e-3, seed {seed}: {noisy:.1f} s modelled")
    assert noisy < 80  # the goal is 120; every byte once, without a frame around it, would take 22.8 s


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 18))
def test_no_seed_of_the_noise_takes_much_longer(seed: int, chips: Chips, at_the_end_of: Connect) -> None:
    test_256_kib_at_115200_baud_and_bit_errors_of_1e_3_take_less_than_120_s(seed, chips, at_the_end_of)


def test_without_noise_the_line_is_used_to_nine_tenths(chips: Chips, at_the_end_of: Connect) -> None:
    assert _put(Line(chips()), at_the_end_of) < 22.8 / 0.9


def _works(target: d.Target, file: Path) -> None:
    """The device answers, takes the deploy, and computes what it has to."""
    assert d.deploy(target, file).version == 1
    with RemoteModel(target, "net") as there:
        assert np.array_equal(there.run(sample()), native.Model(packed(1), isas=1).run(sample()))


@pytest.mark.parametrize("seed", range(4))
def test_frames_dropped_doubled_truncated_and_out_of_order_with_bit_errors_harm_nothing(
    seed: int, chips: Chips, at_the_end_of: Connect, file: Path
) -> None:
    faults, noise = (Mixed(seed, 0.05), Mixed(seed + 50, 0.05)), bit_errors(1e-4, seed)

    def up(number: int, frame: bytes) -> list[bytes]:
        return [part for one in faults[0](number, frame) for part in noise(number, one)]

    _works(at_the_end_of(Line(chips(), up, faults[1])), file)


def _frames(line: Line, at_the_end_of: Connect, file: Path) -> int:
    d.deploy(at_the_end_of(line), file)
    return line.frames


def test_a_reset_of_the_device_after_any_frame_of_a_deploy_is_gone_on_from_or_said_at_once(
    chips: Chips, at_the_end_of: Connect, file: Path
) -> None:
    frames, through, said = _frames(Line(chips()), at_the_end_of, file), 0, 0
    for number in range(1, frames + 1):
        line = Line(chips(f"reset_{number}"), resets=(number,))
        target = at_the_end_of(line)
        try:
            assert d.deploy(target, file).version == 1
            through += 1
        except EdgeqError as error:
            assert isinstance(error, LinkError) and error.hint and "silent" not in error.message, f"after frame {number}: {error}"
            said += 1
        assert line.clock() < QUICK_S, f"after frame {number}"
        line.chip.power_off()
        line.chip.power_on()
        _works(target, file)
        line.chip.power_off()
        line.chip.power_on()
    print(f"{frames} resets: {through} deploys went on by themselves, {said} ended in an error that says it")
    assert through > frames / 2


def test_a_device_that_starts_anew_again_and_again_ends_in_one_error(chips: Chips, at_the_end_of: Connect, file: Path) -> None:
    line = Line(chips(), resets=tuple(range(8, 400, 8)))
    with pytest.raises(RestartedError, match="the chip: the device has started anew") as info:
        d.deploy(at_the_end_of(line), file)
    assert "repeat the command" in info.value.hint and line.clock() < 4 * QUICK_S
    line.resets = set()
    _works(at_the_end_of(line), file)


def test_an_upload_goes_on_from_the_bytes_that_the_device_has_kept(chips: Chips, at_the_end_of: Connect) -> None:
    line, seen = Line(chips(), resets=(600,)), list[int]()
    with d.connect(at_the_end_of(line)) as device:
        assert device.put("net", DATA, STORE, lambda done, of: seen.append(done)) is None
    resumed = [after for before, after in itertools.pairwise(seen) if after < before]
    assert len(resumed) == 1 and resumed[0] > 70_000 and line.clock() < 22.8 / 0.9 + QUICK_S


def test_a_reset_while_the_device_works_is_noticed_within_seconds(chips: Chips, at_the_end_of: Connect) -> None:
    """Nothing is on its way then: the host asks by itself."""
    line = Line(chips())
    with d.connect(at_the_end_of(line)) as device:
        device.facts()
        line.chip.power_off()
        line.chip.power_on()
        before = line.clock()
        with pytest.raises(RestartedError):
            device.link.receive()
        assert line.clock() - before < 5


def test_a_port_that_is_unplugged_after_any_frame_is_one_error_and_plugged_in_again_all_goes_on(
    chips: Chips, at_the_end_of: Connect, file: Path
) -> None:
    frames = _frames(Line(chips()), at_the_end_of, file)
    for number in range(1, frames, 3):
        line = Line(chips(f"unplugged_{number}"), unplugged=number)
        target = at_the_end_of(line)
        with pytest.raises(EdgeqError) as info:
            d.deploy(target, file)
        assert "the port is gone" in info.value.message and info.value.hint, f"after frame {number}"
        line.gone = False
        line.to_host.clear()
        _works(target, file)
        line.chip.power_off()
        line.chip.power_on()


def test_a_rollback_whose_device_is_reset_has_happened_or_not_and_says_which(chips: Chips, at_the_end_of: Connect, file: Path) -> None:
    line = Line(chips())
    target = at_the_end_of(line)
    for seed in (1, 2):
        file.write_bytes(packed(seed))
        d.deploy(target, file)
    was, before = 2, line.frames
    assert d.rollback(target, "net").version == 1
    frames, was = line.frames - before, 1
    for number in range(1, frames + 1):
        line.resets = {line.frames + number}
        try:
            assert d.rollback(target, "net").version == 3 - was
            was = 3 - was
        except LinkError as error:
            assert error.hint
        (model,) = d.status(target).models
        assert model.current is not None and model.current.version == was, f"after frame {number}"


def test_a_host_whose_session_another_one_has_ended_is_told_so(chips: Chips, at_the_end_of: Connect) -> None:
    line = Line(chips())
    with d.connect(at_the_end_of(line)) as first, d.connect(at_the_end_of(line)) as second:
        second.facts()
        with pytest.raises(RestartedError):
            first.facts()
        second.facts()
