"""What an agent answers to a host that is new, broken or hostile."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from edgeq_host import deploy as d
from edgeq_host import wire
from edgeq_host.device import MEMORY, STORE, Device
from edgeq_host.errors import LinkError
from edgeq_host.faults import _HINTS, Refused
from edgeq_host.profile import measure
from edgeq_host.remote import RemoteModel
from tests.agent.conftest import Local, packed

DATA = packed(1)


@pytest.fixture
def device(local: Local) -> Iterator[Device]:
    with d.connect(local.target, 10) as device:
        yield device


def send_raw(device: Device, data: bytes) -> None:
    while data := data[device.link._end.write(data) :]:
        device.link._pump(0.1)
    device.link._pump(0)


def refused(device: Device, data: bytes) -> str:
    """The fault with which the agent answers raw bytes."""
    send_raw(device, data)
    with pytest.raises(Refused) as info:
        device.link.receive()
    return info.value.name


def test_an_unknown_command_is_a_clear_refusal_and_the_session_goes_on(device: Device) -> None:
    assert refused(device, wire.HEAD.pack(999, 5) + b"hello") == "unknown_command"
    assert device.facts().board == "linux"


def _may_end_early(row: wire.Message) -> bool:
    """Of fields that came later, or of a blob alone, which may be empty."""
    return all(kind == "blob" or name in row.added for kind, name in row.fields)


@pytest.mark.parametrize("name", [name for name, row in wire.messages().items() if not _may_end_early(row)])
def test_a_message_that_ends_too_early_is_refused(device: Device, name: str) -> None:
    row = wire.messages()[name]
    assert refused(device, wire.HEAD.pack(row.id, 0)) in ("malformed", "unknown_command", "order", "argument")
    assert device.installed() == []


def test_fields_of_a_newer_minor_version_are_passed_over(device: Device) -> None:
    message = wire.encode("put", target=MEMORY, size=100, sha256=bytes(32), name="")
    number, size = wire.HEAD.unpack_from(message)
    send_raw(device, wire.HEAD.pack(number, size + 3) + message[wire.HEAD.size :] + b"new")
    assert device.link.receive().name == "ready"


def test_a_layer_of_an_agent_that_is_one_minor_version_older_has_no_packing() -> None:
    values = {"index": 3, "macs": 9, "op": "conv2d_s8", "name": "c", "kernel": "gemm_s8_s16_s8", "isa": "avx2"}
    number, size = wire.HEAD.unpack_from(data := wire.encode("layer", **values, packing="8 x 2"))
    body = data[wire.HEAD.size :]
    assert wire.decode(number, body).fields == {**values, "packing": "8 x 2"}
    assert wire.decode(number, body[: size - 6]).fields == {**values, "packing": ""}
    with pytest.raises(ValueError, match="ends inside its field packing"):
        wire.decode(number, body[:-1])


def test_an_entry_of_an_older_agent_says_nothing_of_files_and_uploads() -> None:
    values = {"name": "kws", "fault": 0, "version": 3, "size": 9, "sha256": bytes(32)}
    values |= {"previous_version": 2, "previous_size": 8, "previous_sha256": bytes(32)}
    data = wire.encode("entry", **values, file_fault=21, previous_file_fault=17, unfinished=5, keep=3, counter=7)[wire.HEAD.size :]
    assert wire.decode(wire.messages()["entry"].id, data[:-21]).fields == {
        **values,
        "file_fault": 0,
        "previous_file_fault": 0,
        "unfinished": 0,
        "keep": 0,
        "counter": 0,
    }


def test_a_message_longer_than_the_agent_takes_is_skipped_and_refused(device: Device) -> None:
    assert refused(device, wire.HEAD.pack(wire.messages()["data"].id, 200_000) + bytes(200_000)) == "too_long"
    assert device.installed() == []


def test_commands_out_of_order_are_refused(device: Device) -> None:
    for name in ("end", "layers"):
        with pytest.raises(Refused, match="does not fit the moment"):
            device.link.call(name, "done")
    for call in (lambda: device.commit(1), lambda: device.infer([]), lambda: list(device.profile(1, 0))):
        with pytest.raises(Refused, match="does not fit the moment"):
            call()


def test_data_at_another_offset_ends_the_upload_with_one_error(device: Device) -> None:
    device.link.call("put", "ready", target=STORE, size=1000, sha256=bytes(32), name="kws")
    for offset in (0, 500, 600):
        device.link.send("data", offset=offset, bytes=bytes(100))
    device.link.send("end")
    with pytest.raises(Refused, match="does not fit the moment"):
        device.link.receive()
    assert [(m.current, m.unfinished) for m in device.installed()] == [(None, 100)]


@pytest.mark.parametrize("target", [STORE, MEMORY])
def test_bytes_with_another_hash_are_refused(device: Device, target: int) -> None:
    device.link.call("put", "ready", target=target, size=len(DATA), sha256=bytes(32), name="kws")
    device.link.send("data", offset=0, bytes=DATA)
    with pytest.raises(Refused, match="SHA-256"):
        device.link.call("end", "done")
    with pytest.raises(Refused):
        device.commit(1)
    with pytest.raises(Refused):
        device.open("")
    assert device.installed() == []


def test_no_size_makes_the_agent_allocate_without_bound(device: Device) -> None:
    for size in (0, 2**63, 2**64 - 1, 2**46):
        with pytest.raises(Refused, match=r"not enough memory|out of its range"):
            device.link.call("put", "ready", target=MEMORY, size=size, sha256=bytes(32), name="")
        with pytest.raises(Refused, match=r"full|out of its range"):
            device.link.call("put", "ready", target=STORE, size=size, sha256=bytes(32), name="kws")


def test_inputs_that_do_not_fit_are_refused(device: Device) -> None:
    device.put("", DATA, MEMORY)
    device.open("")
    for index, kind, offset, size in ((1, 1, 0, 4), (0, 1, 4, 4), (0, 1, 0, 1000)):
        device.link.send("input", index=index, type=kind, offset=offset, bytes=bytes(size))
        with pytest.raises(Refused, match="out of its range"):
            device.infer([("f32", bytes(256))])
    for kind, size in (("f32", 8), ("s32", 256), ("s8", 63)):
        with pytest.raises(Refused, match="out of its range"):
            device.infer([(kind, bytes(size))])
    assert len(device.infer([("f32", bytes(256))])[0]) == 1


def test_a_profile_stops_when_it_is_told_to(device: Device) -> None:
    device.put("", DATA, MEMORY)
    device.open("")
    device.link.send("profile", runs=1_000_000, warmup=0)
    for _ in range(5):
        assert device.link.receive().name == "timing"
    device.link.send("stop")
    while device.link.receive().name != "done":
        pass
    assert device.facts().board == "linux"


def test_random_messages_never_end_the_agent(device: Device) -> None:
    """Except for what would install: that has its own tests."""
    generator = random.Random(3)
    ids = [row.id for row in wire.messages().values()]
    for _ in range(400):
        send_raw(device, wire.HEAD.pack(generator.choice(ids), size := generator.randrange(60)) + generator.randbytes(size))
        try:
            while device.link.poll() is not None:
                pass
        except Refused:
            continue
    while True:  # the answers to all of them, then to this one
        try:
            device.link.send("info")
            while device.link.receive().name != "device":
                pass
            break
        except Refused:
            continue
    assert device.link.statistics()["frames_lost"] == 0


def test_a_new_session_on_the_same_line_drops_what_the_old_one_held(device: Device) -> None:
    device.link.call("put", "ready", target=STORE, size=100, sha256=bytes(32), name="kws")
    device.link._in.clear()
    device.link._connect()
    device.link.call("put", "ready", target=STORE, size=100, sha256=bytes(32), name="kws")


def test_every_fault_has_a_hint_and_ids_are_unique() -> None:
    assert set(_HINTS) == {fault.name for fault in wire.faults().values()}
    rows = wire.messages().values()
    assert len({row.id for row in rows}) == len(rows) >= 30
    text = wire._text()
    assert text.count("\nEQ_MESSAGE(") + text.count("\nEQ_SIGNAL(") == len(rows) and text.count("\nEQ_FAULT(") == len(wire.faults())


def test_a_profile_whose_runs_differ_in_their_layers_is_an_error(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [(0, 100, [10, 20]), (1, 100, [10])]
    monkeypatch.setattr(Device, "profile", lambda self, runs_, warmup: iter(runs))
    with RemoteModel(local.target, "file", packed(1)) as model, pytest.raises(LinkError, match="a run of 1 layers, the model has 2"):
        measure(model, 2, 0)
