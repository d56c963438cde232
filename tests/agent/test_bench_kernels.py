"""The kernels of a device, measured there and kept here: bounded, stoppable, for exactly that device."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeq_host import deploy as d
from edgeq_host import estimate, rates, wire
from edgeq_host.bench import board, problems
from edgeq_host.device import Facts
from edgeq_host.errors import LinkError
from edgeq_host.export import unpack
from edgeq_host.faults import Refused
from edgeq_host.plan import plan
from edgeq_host.profile import profile
from edgeq_host.rates import Rate, Rates
from edgeq_runtime import build, lists, native
from tests.agent.conftest import Local, packed

DEVICE = rates.Device("kitchen", "ssh://pi@kitchen", "aarch64", "edgeq-agent 0.1.0", ("portable", "neon"))
RATES = Rates(DEVICE, "measured", "2026-11-28", 50.0, (Rate("add_s8_s8_s8", "neon", (64, 1, 1), 10.0),))
ASKED = {"family": "gemm", "rows": 0, "channels": 16, "inputs": 16, "rounds": 1, "all": 0}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def posix(local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.setenv("EDGEQ_AGENT", str(build.build("posix", build.config_for("posix", None, False))))
    return replace(local, target=replace(local.target, name="posix"))


def test_every_kernel_that_a_layer_may_use_is_measured_and_no_other_machine_is_needed(local: Local) -> None:
    found = board.measure(local.target, rounds=1)
    measured = {(rate.kernel, rate.isa) for rate in found.rates.rates}
    assert found.isas == tuple(native.isas()) and found.unmeasured == () and found.rates.layer_ns > 0
    data = packed(1)
    assert {(o.kernel, o.isa) for o in native.Model(data).ops() if o.kernel} <= measured
    families = {k.family for k in lists.kernels()}
    assert {kernel.partition("_")[0] for kernel, _ in measured} == families == set(problems.GRID)
    assert not local.store.exists()


@pytest.mark.parametrize("isa", [isa for isa in ("portable", "avx2", "neon") if isa in native.isas()])
def test_the_agent_measures_with_the_instruction_sets_of_the_environment(local: Local, isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", isa)
    with d.connect(local.target) as device:
        found = [r["isa"] for r in device.link.stream("bench", "speed", **{**ASKED, "all": 1})]
        chosen = [r["kernel"] for r in device.link.stream("bench", "speed", **ASKED)]
    assert set(found) <= {isa, "portable"} and isa in found
    assert len(set(chosen)) == len(chosen) <= len(found) and "gemm_s8_s16_s8" in chosen
    if isa == "portable":
        assert not {"gemm_s8_u8_s8", "gemm_s8_s8_s8"} & set(chosen)  # operators take these only where they are faster


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "gem"},
        {"family": ""},
        {"family": "x" * 200},
        {"channels": 0},
        {"channels": 65537},
        {"inputs": 2**32 - 1},
        {"rows": 2**32 - 1},
        {"rows": 65536, "channels": 65536, "inputs": 65536},
        {"rows": 48, "channels": 65536, "inputs": 64},
        {"rounds": 0},
        {"rounds": 102},
        {"family": "dwconv", "rows": 4, "inputs": 10},
        {"family": "dwconv", "rows": 4, "inputs": 66},
        {"family": "add", "rows": 64, "channels": 2, "inputs": 1},
        {"family": "sum", "rows": 2},
    ],
)
def test_a_problem_that_cannot_be_is_refused_and_the_session_goes_on(local: Local, wrong: dict[str, Any]) -> None:
    with d.connect(local.target) as device:
        with pytest.raises(Refused, match="out of its range"):
            list(device.link.stream("bench", "speed", **{**ASKED, **wrong}))
        assert list(device.link.stream("bench", "speed", **ASKED))


def test_a_measurement_stops_when_it_is_told_to(local: Local) -> None:
    with d.connect(local.target) as device:
        device.link.send("bench", **{**ASKED, "rounds": 101, "all": 1})
        assert device.link.receive().name == "speed"
        device.link.send("stop")
        rest = 0
        while device.link.receive().name != "done":
            rest += 1
        assert rest <= 1 and device.facts().board


def test_a_microcontroller_measures_what_fits_its_memory_and_says_what_does_not(posix: Local) -> None:
    found = board.measure(posix.target, rounds=1)
    assert found.isas == ("portable",) and {rate.isa for rate in found.rates.rates} == {"portable"}
    assert [text for text in found.unmeasured if "gemm_f32_f32_f32__portable 4x128x1152: the device has not enough memory" in text]
    assert all("not enough memory" in text for text in found.unmeasured)
    assert len({(rate.kernel, rate.size) for rate in found.rates.rates}) == len(found.rates.rates)
    rates.save(found.rates)
    estimated = plan(posix.target, posix.file("kws", packed(1))).estimate
    assert estimated is not None and estimated.latency_us > 0
    with d.connect(posix.target) as device:  # the pool is whole again
        assert list(device.link.stream("bench", "speed", **{**ASKED, "channels": 128, "inputs": 1152, "all": 1}))


def test_an_estimate_is_near_what_a_profile_measures_and_needs_no_run(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    rates.save(board.measure(local.target, rounds=5).rates)
    data = packed(1, size=512)
    file = local.file("kws", data)
    measured = profile(local.target, "kws", data, runs=300).latency_us.median
    monkeypatch.setattr("edgeq_host.device.Device.profile", None)
    found = plan(local.target, file).estimate
    assert found is not None and found.source == "modelled" and found.uncounted == 1  # clip has no kernel
    assert measured / 4 < found.latency_us < 4 * measured  # a busy machine; docs/benchmarks.md has the figures


def test_plan_sends_nothing_for_its_estimate(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    rates.save(board.measure(local.target, rounds=1).rates)
    sent: list[str] = []
    encode = wire.encode
    monkeypatch.setattr("edgeq_host.wire.encode", lambda name, /, **values: sent.append(name) or encode(name, **values))
    assert plan(local.target, local.file("kws", packed(1))).estimate is not None
    assert not {"bench", "profile", "infer", "input"} & set(sent) and "open" in sent


class Hostile:
    """An agent whose answers to `bench` are given."""

    what = "kitchen"

    def __init__(self, *replies: dict[str, Any]) -> None:
        base = {"kernel": "gemm_s8_s16_s8", "isa": "neon", "rows": 6, "channels": 16, "inputs": 16, "fault": 0, "ns": 9.0}
        self.link = SimpleNamespace(
            stream=lambda name, *kinds, **fields: iter([wire.Reply("speed", {**base, **reply}) for reply in replies])
        )


@pytest.mark.parametrize(
    "reply",
    [
        {"kernel": "../../etc/passwd"},
        {"kernel": "add_s8_s8_s8"},
        {"kernel": "gemm_" + "a" * 100},
        {"isa": "\x1b[2J"},
        {"isa": ""},
        {"rows": 0},
        {"rows": 256},
        {"channels": 17},
        {"inputs": 1},
        {"ns": 0.0},
        {"ns": -1.0},
        {"ns": math.nan},
        {"ns": math.inf},
        {"ns": 1e30},
    ],
)
def test_an_answer_that_cannot_be_is_an_error_that_names_it(reply: dict[str, Any]) -> None:
    assert list(board._one(Hostile({}), "gemm", (0, 16, 16), 1, False))
    with pytest.raises(LinkError, match="kitchen: its agent gave") as info:
        list(board._one(Hostile(reply), "gemm", (0, 16, 16), 1, False))
    assert info.value.message.isprintable()


def test_an_agent_that_never_ends_is_an_error() -> None:
    with pytest.raises(LinkError, match="more than 64 kernels"):
        list(board._one(Hostile(*[{}] * 65), "gemm", (0, 16, 16), 1, False))


def test_rates_are_kept_for_exactly_one_device(cache: Path) -> None:
    rates.save(RATES)
    assert rates.load(DEVICE) == RATES
    for change in ({"name": "x"}, {"address": "x"}, {"machine": "x"}, {"agent": "edgeq-agent 0.2.0"}, {"isas": ("portable",)}):
        other = replace(DEVICE, **change)
        assert rates.load(other) is None
        rates.path_of(other).write_bytes(rates.path_of(DEVICE).read_bytes())
        with pytest.raises(ValueError, match="of another device"):
            rates.load(other)


def changed(**fields: Any) -> bytes:
    return json.dumps({"schema": rates.SCHEMA, **asdict(RATES), **fields}).encode()


ROW = asdict(RATES.rates[0])
HOSTILE = {
    "empty": b"",
    "no json": b"{",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "deep": b"[" * 200_000,
    "other schema": changed(schema="edgeq.rates/2"),
    "no date": changed(date="yesterday"),
    "date of no text": changed(date=5),
    "other source": changed(source="guessed"),
    "negative layer": changed(layer_ns=-1),
    "endless layer": changed(layer_ns=1e400),
    "no number": changed(layer_ns="5"),
    "rates of no list": changed(rates=5),
    "a rate of no table": changed(rates=[5]),
    "too many": changed(rates=[ROW] * 5000),
    "odd kernel": changed(rates=[{**ROW, "kernel": "\x1b[2J"}]),
    "two sizes": changed(rates=[{**ROW, "size": [1, 2]}]),
    "size 0": changed(rates=[{**ROW, "size": [0, 1, 1]}]),
    "size of a truth": changed(rates=[{**ROW, "size": [True, 1, 1]}]),
    "huge size": changed(rates=[{**ROW, "size": [10**30, 1, 1]}]),
    "no time": changed(rates=[{**ROW, "ns": 0}]),
    "nan": changed(rates=[{**ROW, "ns": math.nan}]),
    "huge number": changed(rates=[{**ROW, "ns": 10**400}]),
    "too long": changed() + b" " * rates.MAX_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_rates_is_passed_over_with_a_note(name: str, cache: Path) -> None:
    rates.save(RATES)
    path = rates.path_of(DEVICE)
    path.write_bytes(HOSTILE[name])
    with pytest.raises(ValueError, match=str(path)):
        rates.load(DEVICE)
    target = SimpleNamespace(name="kitchen", address="ssh://pi@kitchen")
    nothing = dict.fromkeys((f.name for f in dataclasses.fields(Facts)), 0)
    facts = Facts(**{**nothing, "machine": DEVICE.machine, "agent": DEVICE.agent, "isa_names": DEVICE.isas})
    found, note = estimate.of(target, facts, unpack(packed(1), ""), [])
    assert found is None and note.startswith("not measured: edgeq bench kernels --board kitchen measures it anew; ") and str(path) in note


def test_a_pipe_in_the_place_of_rates_is_not_waited_for(cache: Path) -> None:
    path = rates.path_of(DEVICE)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(ValueError, match="no regular file"):
        rates.load(DEVICE)


def test_a_rate_lies_between_those_of_the_problems_that_were_measured() -> None:
    measured = [
        Rate("gemm_s8_u8_s8", "avx2", (rows, 16, k), rows * 16 * k / speed) for rows, k, speed in ((1, 16, 1), (1, 256, 4), (8, 256, 16))
    ]
    exact = estimate.kernel_ns(measured, estimate.Problem((1, 16, 256)))
    assert exact == pytest.approx(16 * 256 / 4, rel=1e-6)
    between = 16 * 64 / estimate.kernel_ns(measured, estimate.Problem((1, 16, 64)))
    assert 1 < between < 16
    beyond = estimate.kernel_ns(measured, estimate.Problem((800, 16, 256)))
    assert beyond == pytest.approx(800 * 16 * 256 / 16, rel=1e-6)
    whole_block = estimate.kernel_ns(measured, estimate.Problem((1, 3, 255), 2, (16, 4)))
    assert whole_block == pytest.approx(2 * exact, rel=1e-6)
