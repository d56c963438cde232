"""What a file records of its making comes from the device, of any length, and is checked like everything else in the file."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import pytest

from edgeq_host import deploy as d
from edgeq_host import device as devices
from edgeq_host.device import Device
from edgeq_host.export import Bundle, Provenance, Variant, to_bytes
from edgeq_host.faults import Refused
from edgeq_host.remote import RemoteModel
from edgeq_runtime import build, native
from tests.agent.conftest import Local, network, packed
from tests.runtime.models import body_of, sealed

RECIPE = 'metric = "mse"\nlabels = [' + '"ä label",' * 300 + "]\n"  # longer than a message of the small device
OPTIONS = 'outputs = ["y"]\n'
FORMAT = -5


def file(recipe: str = RECIPE, options: str = OPTIONS) -> bytes:
    origin = Provenance("model.onnx", bytes(32), recipe, "edgeq", import_options=options)
    return to_bytes(Bundle("kws", [Variant("int8", network(1))], provenance=origin))


@pytest.fixture(params=["agent", "posix"])
def device(request: pytest.FixtureRequest, local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The agent of Linux, and the one with the limits of a microcontroller."""
    path = build.build(request.param, build.config_for(request.param, None, False))
    monkeypatch.setenv("EDGEQ_AGENT", str(path))
    return replace(local, target=replace(local.target, name=request.param))


def test_a_device_says_recipe_and_import_options_of_an_installed_model(device: Local) -> None:
    d.deploy(device.target, device.file("kws", file()))
    with RemoteModel(device.target, "kws") as there:
        assert there.origin() == (RECIPE, OPTIONS)


def test_a_model_that_does_not_say_has_an_empty_origin(device: Local) -> None:
    for data in (packed(1), file("", "")):
        with RemoteModel(device.target, "kws", data) as there:
            assert there.origin() == ("", "")


def test_asking_for_the_origin_of_nothing_or_of_something_else_is_refused(local: Local) -> None:
    with d.connect(local.target, 10) as there:
        with pytest.raises(Refused, match="fit the moment"):
            there.origin(devices.RECIPE)
        there.put("", file(), devices.MEMORY)
        there.open("")
        with pytest.raises(Refused, match="out of its range"):
            there.origin(3)


def test_an_older_agent_that_does_not_know_the_question_gives_nothing(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    with d.connect(local.target, 10) as there:
        send = there.link.send
        monkeypatch.setattr(there.link, "send", lambda name, **values: send("done" if name == "origin" else name, **_known(name, values)))
        assert Device.origin(there, devices.RECIPE) == ""


def _known(name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {} if name == "origin" else values  # `done` is no command: the agent answers as to one that it does not know


@pytest.mark.parametrize("text", [RECIPE, OPTIONS])
def test_an_origin_that_is_no_string_of_the_file_is_refused(text: str) -> None:
    body = bytearray(body_of(file()))
    raw = text.encode()
    at = body.index(raw)
    for place, value in ((at + len(raw), b"x"), (at - 4, b"\xff\xff\xff\x7f")):  # its end, its length
        broken = bytes(body[:place]) + value + bytes(body[place + len(value) :])
        with pytest.raises(native.Error) as info:
            native.Model(sealed(broken))
        assert info.value.status == FORMAT


def test_c_programs_get_both_too() -> None:
    lib = ctypes.CDLL(native.library()._name)
    for function in (lib.eq_file_recipe, lib.eq_file_import_options):
        function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    for data, wanted in ((file(), (RECIPE, OPTIONS)), (packed(1), ("", ""))):
        model = native.Model(data)
        there = ctypes.byref(model._file)
        assert (lib.eq_file_recipe(there).decode(), lib.eq_file_import_options(there).decode()) == wanted
