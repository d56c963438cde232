"""Whether a device is silicon, or something that computes in its place; as far as what it says can tell.

An emulator that gives out the device tree and the registers of a real board cannot be told from it.
"""

from __future__ import annotations

from edgeq_host.device import Device
from edgeq_host.identify import arch
from edgeq_host.probe import Probe, asked
from edgeq_host.targets import Target

_VIRTUAL = ("linux,dummy-virt", "qemu,")  # how `compatible` of the machine `virt` and the like begins
_ONLY_OF = {"sse2": "x86_64", "asimd": "aarch64"}  # a feature in /proc/cpuinfo, the processor that has it


def process(probe: Probe) -> str:
    """Why the agent's process is an emulator's, as under qemu-user, which shows it the /proc/cpuinfo of another processor; else empty."""
    seen = next((of for feature, of in _ONLY_OF.items() if feature in probe.features), "")
    own = arch(probe)
    if not seen or not own or seen == own or (seen == "aarch64" and own == "armv7"):
        return ""
    return f"the agent is one for {own}, /proc/cpuinfo is that of {seen}"


def emulator(probe: Probe) -> str:
    """Why times there are not those of a processor; empty where nothing says so."""
    if any(name.startswith(_VIRTUAL) for name in probe.compatible):
        return f"its device tree is that of an emulator: {', '.join(probe.compatible)}"
    if probe.cpu.startswith("QEMU"):
        return f"its processor is {probe.cpu}"
    return process(probe)


def doubt(probe: Probe) -> str:
    """Why it is no evidence of silicon; empty where nothing says so."""
    virtual = "it is a virtual machine: its processor has the feature `hypervisor`" if "hypervisor" in probe.features else ""
    return emulator(probe) or virtual


def source(target: Target, device: Device) -> str:
    """What figures from a device are: "emulated" where the board is an emulator, or the device says that it is one, else "measured"."""
    found = asked(device) if target.source == "measured" else None
    return "emulated" if found is not None and emulator(found) else target.source
