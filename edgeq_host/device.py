"""What an agent can be asked, as Python calls. One Device is one session; deploy, profile, run and plan are made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from types import TracebackType
from typing import Any

from edgeq_host import wire
from edgeq_host.answers import Checked as Checked
from edgeq_host.answers import Edge as Edge
from edgeq_host.answers import Facts as Facts
from edgeq_host.answers import Opened as Opened
from edgeq_host.answers import edge
from edgeq_host.errors import LinkError, RestartedError, UsageError
from edgeq_host.faults import Refused
from edgeq_host.installed import Installed, Switched, parse_installed
from edgeq_host.layer import Layer
from edgeq_host.line_speed import LineSpeed
from edgeq_host.link import MOST_BYTES, QUIET_S, Link
from edgeq_host.transports import DEFAULT, Line, Options, Transport, open_transport
from edgeq_host.units import seconds
from edgeq_runtime import lists

STORE, MEMORY = 1, 2  # target of a put
RECIPE, IMPORT_OPTIONS = 1, 2  # what to say of a model's origin
UPLOAD_STEP = 32768  # bytes that an interrupted upload loses at most
MOST_OUTPUT = 4 << 30  # bytes of all outputs of a model
MOST_TIMING = 1 << 18  # bytes that the layers of one run take
MAX_KERNELS = 1000  # rows that an agent may say it has
PUT_TRIES = 4  # of an upload to a device that starts anew
Progress = Callable[[int, int], None]  # bytes sent, of how many


class Device:
    """A session with the agent of a board. Use it in a `with`."""

    def __init__(self, address: str, what: str, quiet_s: float = QUIET_S, options: Options = DEFAULT) -> None:
        self.what = what
        seconds(quiet_s)
        self._quiet_s, self._cancel = quiet_s, options.cancel
        self._begin(open_transport(address, options))

    def _begin(self, transport: Transport) -> None:
        """A session, at the highest speed that both ends take."""
        self._speed: LineSpeed | None = None
        try:
            self.link = Link(transport, self.what, self._quiet_s, cancel=self._cancel)
            if isinstance(transport, Line):
                self._speed = LineSpeed(self.link, transport)
                self._speed.raise_it()
        except BaseException:
            transport.close()
            raise

    def __enter__(self) -> Device:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(error is None)

    def close(self, in_order: bool = True) -> None:
        """in_order: the device has answered all that it was asked. More than once is allowed."""
        if self._speed is not None and in_order:
            self._speed.lower_it()
        self._speed = None
        self.link.close()

    @property
    def brought(self) -> int:
        """Bytes of the agent, where it had to be sent first."""
        return self.link.transport.brought

    def facts(self) -> Facts:
        device, *kernels = self._headed("device", self.link.stream("info", "device", "kernel"))
        f = dict(device.fields)
        f["isa_names"] = tuple(f["isa_names"].split())
        return Facts(**f, kernels=tuple(k["name"] for k in kernels))

    def check_kernels(self, limit_s: float) -> Iterator[Checked]:
        """Each row of kernels.def, one after the other; limit_s for each. Refused: an agent before 1.4, or one without this test."""
        index, count = 0, 1
        while index < count:
            reply = self.link.call("check_kernel", "checked", index=index, limit_ms=_ms(limit_s))
            fault = wire.faults().get(reply["fault"])
            signal = f" (signal {reply['detail']})" if fault and fault.name == "selftest_crashed" and reply["detail"] else ""
            yield Checked(reply["name"], bool(reply["here"]), int(reply["cases"]), fault.text + signal if fault else "")
            index, count = index + 1, min(int(reply["count"]), MAX_KERNELS)

    def _headed(self, head: str, answers: Iterator[wire.Reply]) -> list[wire.Reply]:
        """Answers of which the first is of the kind `head`, and no other."""
        found = list(answers)
        if [i for i, reply in enumerate(found) if reply.name == head] != [0]:
            raise LinkError(f"{self.what}: {len(found)} answers do not begin with one {head}", "update edgeq on both sides")
        return found

    def installed(self) -> list[Installed]:
        """Every model that has a version, or an unfinished upload alone."""
        return parse_installed(self.link.stream("list", "entry", "retained", retained=1))

    def has(self, name: str, sha256: str) -> bool:
        """Whether this very file is the current version."""
        found = (model.current for model in self.installed() if model.name == name)
        return any(current is not None and current.sha256 == sha256 and not current.damaged for current in found)

    def put(self, name: str, data: bytes, target: int, progress: Progress | None = None) -> int | None:
        """Bring the bytes to the device: to the store, where `commit` installs them, or to its memory. The version where it has them.
        A device that was unplugged and has started anew is given what it has not kept, in a new session."""
        for left in reversed(range(PUT_TRIES)):
            try:
                return self._put(name, data, target, progress)
            except RestartedError:
                if not left:
                    raise
            self._begin(self.link.transport)
        raise AssertionError("unreachable")

    def _put(self, name: str, data: bytes, target: int, progress: Progress | None) -> int | None:
        digest = hashlib.sha256(data).digest()
        for again in (True, False):
            ready = self.link.call("put", "ready", target=target, size=len(data), sha256=digest, name=name)
            if ready["current"]:
                return int(ready["version"])
            try:
                self._send(data, ready["offset"], progress)
                return None
            except Refused as refused:
                # The part that an interrupted upload had left was damaged, and is gone now.
                if not (again and refused.name == "hash" and ready["offset"]):
                    raise
        raise AssertionError("unreachable")

    def _send(self, data: bytes, start: int, progress: Progress | None) -> None:
        step = min(self.link.max_message - wire.DATA_OVERHEAD, UPLOAD_STEP)
        since = self.link.clock()
        for at in range(start, len(data), step):
            self.link.queue("data", offset=at, bytes=data[at : at + step])
            self.link.ease(at + step - start, since)
            if self._speed is not None:
                self._speed.keep_it()
            self.link.poll()  # raises where the device has refused: no need to send the rest
            if progress is not None:
                progress(min(at + step, len(data)), len(data))
        self.link.call("end", "done")

    def seek(self, name: str, size: int, sha256: str) -> tuple[bool, int]:
        """Whether this very file is current under the name, and how many of its bytes need not be sent. Nothing is changed there.
        Refused: `unknown_command` by an agent before 1.4."""
        ready = self.link.call("seek", "ready", size=size, sha256=bytes.fromhex(sha256), name=name)
        return bool(ready["current"]), int(ready["offset"])

    def commit(self, limit_s: float, keep: int = 0) -> Switched:
        """Self-test on the device, then the switch. keep: versions that stay, 0 as many as before. Where put found the file current
        already, only that changes."""
        self.need_1_4(bool(keep), "--keep")
        return self._switched(self.link.call("commit", "installed", limit_ms=_ms(limit_s), keep=keep))

    def rollback(self, name: str, limit_s: float, version: int = 0) -> Switched:
        """Back to a version that the device kept (0: the previous one)."""
        self.need_1_4(bool(version), "NAME@VERSION")
        return self._switched(self.link.call("rollback", "installed", name=name, limit_ms=_ms(limit_s), version=version))

    def selftest(self, name: str, limit_s: float, version: int = 0) -> Switched:
        """Run the self-test of an installed version (0: the current one)."""
        return self._switched(self.link.call("selftest", "installed", name=name, version=version, limit_ms=_ms(limit_s)))

    @staticmethod
    def _switched(reply: wire.Reply) -> Switched:
        return Switched(reply["version"], reply["sha256"].hex(), reply["variants"])

    def remove(self, name: str, version: int = 0) -> None:
        """A version that is not current, or (0) all and what was left of uploads."""
        self.need_1_4(bool(version), "NAME@VERSION")
        self.link.call("remove", "done", name=name, version=version)

    def log(self) -> list[wire.Reply]:
        """What has happened in the store, the oldest first."""
        return list(self.link.stream("log", "log_entry"))

    def need_1_4(self, asked: bool, what: str) -> None:
        """UsageError where `what` is asked of an older agent: it would pass over the field, and do something else."""
        if asked and self.link.minor < 4:
            raise UsageError(f"{self.what}: its agent is older than {what}", "update the agent on the device")

    def open(self, name: str = "", version: int = 0, variant: str = "", isas: int = 0, threads: int = 1) -> Opened:
        """Open an installed model, or ("") the one in memory, for layers, infer and profile. isas 0: all that the agent uses.
        An agent before 1.3 computes on one thread and says 0."""
        asked: dict[str, Any] = {"name": name, "version": version, "variant": variant, "isas": isas, "threads": threads}
        head, *edges = self._headed("opened", self.link.stream("open", "opened", "edge", **asked))
        f = {key: value for key, value in head.fields.items() if key not in ("operators", "inputs", "outputs")}
        f["sha256"] = f["sha256"].hex()
        inputs = tuple(edge(e) for e in edges if not e["output"])
        return Opened(**f, inputs=inputs, outputs=tuple(edge(e) for e in edges if e["output"]))

    def origin(self, what: int) -> str:
        """RECIPE or IMPORT_OPTIONS of the open model, TOML; empty where the file, or an agent before 1.2, does not say."""
        try:
            return b"".join(part["text"] for part in self.link.stream("origin", "origin_part", what=what)).decode("utf-8", "replace")
        except Refused as refused:
            if refused.name == "unknown_command":
                return ""
            raise

    def layers(self) -> list[Layer]:
        return [Layer(**{f.name: r[f.name] for f in fields(Layer)}) for r in self.link.stream("layers", "layer")]

    def infer(self, inputs: list[tuple[str, bytes]], inner: bool = False) -> tuple[list[bytes], int]:
        """inputs: type and bytes of each. inner: int8 outputs as they lie. The bytes of the outputs, and nanoseconds of the run alone."""
        step = self.link.max_message - wire.DATA_OVERHEAD
        ids = {row.name: row.id for row in lists.qtypes().values()}
        for index, (kind, data) in enumerate(inputs):
            for at in range(0, max(len(data), 1), step):
                self.link.send("input", index=index, type=ids[kind], offset=at, bytes=data[at : at + step])
        self.link.send("infer", inner=int(inner))
        outputs: list[bytearray] = []
        for reply in self.link.answers("ran", "output", most=MOST_OUTPUT):
            if reply["offset"] == 0:
                outputs.append(bytearray())
            if reply["index"] != len(outputs) - 1 or reply["offset"] != len(outputs[-1]):
                raise LinkError(
                    f"{self.what}: byte {reply['offset']} of output {reply['index']} is out of its turn", "update edgeq on both sides"
                )
            outputs[-1] += reply["bytes"]
        return [bytes(output) for output in outputs], int(self.link.ended["time_ns"])

    def profile(self, runs: int, warmup: int) -> Iterator[tuple[int, int, list[int]]]:
        """As they come: number of the run, its nanoseconds, those of its layers."""
        if not 0 < runs <= 1_000_000 or not 0 <= warmup <= 1_000_000:
            raise UsageError(f"{runs} runs after {warmup} to warm up", "give 1 to 1000000 runs and 0 to 1000000 to warm up")
        layer_ns: list[int] = []
        run, total = -1, 0
        for reply in self.link.stream("profile", "timing", most=MOST_BYTES + runs * MOST_TIMING, runs=runs, warmup=warmup):
            if reply["run"] != run and layer_ns:
                yield run, total, layer_ns
            if reply["first"] == 0:
                layer_ns = []
            run, total = reply["run"], reply["total_ns"]
            blob = reply["layer_ns"]
            layer_ns += [int.from_bytes(blob[i : i + 4], "little") for i in range(0, len(blob), 4)]
            if run >= runs or len(layer_ns) * 4 > MOST_TIMING:
                raise LinkError(f"{self.what}: {len(layer_ns)} layers in run {run} of {runs}", "update edgeq on both sides")
        if layer_ns:
            yield run, total, layer_ns


def _ms(limit_s: float) -> int:
    return max(1, int(min(seconds(limit_s) * 1000, 0xFFFFFFFF)))
