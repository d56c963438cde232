"""Files of machines as they are found in /proc, /sys and /etc there: what shared descriptions and public dumps of them show."""

from __future__ import annotations

import struct
from pathlib import Path

A72 = "fp asimd evtstrm crc32 cpuid"
A76 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
A78AE = A76 + " uscat ilrcpc flagm paca pacg"
Files = dict[str, str | bytes]
PASSWD = "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n"
MOUNTS = (
    "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
    "25 22 0:23 / /run rw,nosuid,nodev shared:3 - tmpfs tmpfs rw\n"
    "40 22 8:1 / /media/my\\040stick rw,noexec shared:9 - vfat /dev/sda1 rw\n"
)


def elf(bits: int, interpreter: str) -> bytes:
    """The head of a program, with its loader."""
    wide = bits == 64
    head = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    at = 64 if wide else 52
    size = 56 if wide else 32
    start = at + size
    table = struct.pack("<HHIQQQIHHHHHH", 3, 183, 1, 0, at, 0, 0, at, size, 1, 0, 0, 0)
    narrow = struct.pack("<HHIIIIIHHHHHH", 3, 40, 1, 0, at, 0, 0, at, size, 1, 0, 0, 0)
    row = struct.pack("<IIQQQQQQ", 3, 4, start, 0, 0, 0, 0, 0) if wide else struct.pack("<IIIIIIII", 3, start, 0, 0, 0, 0, 4, 0)
    return (head + (table if wide else narrow)).ljust(at, b"\0") + row + interpreter.encode() + bytes(40)


def write(root: Path, files: Files) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def cpus(count: int, part: int, features: str, mhz: tuple[int, int, int], register: bool = True) -> Files:
    """Cores of Arm's. register: the kernel shows what they are in /sys, too."""
    about = f"BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU part\t: 0x{part:03x}\n\n"
    files: Files = {"proc/cpuinfo": "".join(f"processor\t: {i}\n{about}" for i in range(count))}
    files |= {"sys/devices/system/cpu/cpufreq/policy0/x": "", "sys/devices/system/cpu/online": "0-3\n"}
    for i in range(count):
        place = f"sys/devices/system/cpu/cpu{i}"
        names = ("cpuinfo_min_freq", "cpuinfo_max_freq", "scaling_cur_freq")
        files |= {f"{place}/cpufreq/{name}": f"{value}000\n" for name, value in zip(names, mhz, strict=True)}
        files[f"{place}/cpufreq/scaling_governor"] = "ondemand\n"
        if register:
            files[f"{place}/regs/identification/midr_el1"] = f"0x{0x41 << 24 | 0xF << 16 | part << 4:016x}\n"
    return files


def common(total_kib: int, compatible: tuple[str, ...], model: str) -> Files:
    return {
        "proc/device-tree/model": model + "\0",
        "proc/device-tree/compatible": "".join(f"{text}\0" for text in compatible),
        "proc/device-tree/serial-number": "10000000deadbeef\0",
        "proc/meminfo": f"MemTotal:       {total_kib} kB\nMemFree:        100000 kB\nMemAvailable:   200000 kB\n",
        "proc/self/mountinfo": MOUNTS,
        "etc/passwd": PASSWD,
    }


def system(root: Path, arch: str, glibc: str, python: str, name: str, loader: str, bits: int = 64) -> None:
    """A user land: sh, its loader, the C library beside it, python3."""
    folder = f"usr/lib/{arch}"
    old = tuple(map(int, glibc.split("."))) < (2, 34)
    library = f"libc-{glibc}.so" if old else "libc.so.6"
    padding = b"\x00GNU C Library\n" * 5000
    mark = b"" if old else f"GNU C Library (GNU libc) stable release version {glibc}.\nCopyright".encode()
    write(
        root,
        {
            "usr/bin/dash": elf(bits, f"/lib/{loader}"),
            f"usr/bin/python{python}": elf(bits, f"/lib/{loader}"),
            f"{folder}/{library}": padding + mark + padding,
            f"{folder}/{loader}": elf(bits, ""),
            "etc/os-release": f'NAME="x"\nPRETTY_NAME="{name}"\nID=x\n',
        },
    )
    for link, target in {
        "lib": "usr/lib",
        "bin": "/usr/bin",
        "usr/bin/sh": "dash",
        "usr/bin/python3": f"python{python}",
        f"usr/lib/{loader}": f"{arch}/{loader}",
        **({f"{folder}/libc.so.6": library} if old else {}),
    }.items():
        (root / link).symlink_to(target)


def hwmon(number: int, name: str, files: dict[str, str]) -> Files:
    place = f"sys/class/hwmon/hwmon{number}"
    return {f"{place}/name": f"{name}\n", **{f"{place}/{file}": f"{text}\n" for file, text in files.items()}}


def zones(*types: str) -> Files:
    files: Files = {}
    for i, type_ in enumerate(types):
        files |= {f"sys/class/thermal/thermal_zone{i}/type": f"{type_}\n", f"sys/class/thermal/thermal_zone{i}/temp": f"{40 + i}500\n"}
    return files


def pi4(root: Path) -> None:
    write(root, common(3_884_000, ("raspberrypi,4-model-b", "brcm,bcm2711"), "Raspberry Pi 4 Model B Rev 1.4"))
    write(root, {**cpus(4, 0xD08, A72, (600, 1800, 1800), register=False), **zones("cpu-thermal")})
    write(root, {**hwmon(0, "cpu_thermal", {"temp1_input": "41381"}), **hwmon(1, "rpi_volt", {"in0_lcrit_alarm": "0"})})
    write(root, {"usr/bin/vcgencmd": "#!/bin/sh\nexit 1\n", "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"})
    (root / "usr/bin/vcgencmd").chmod(0o755)
    system(root, "arm-linux-gnueabihf", "2.31", "3.9", "Raspbian GNU/Linux 11 (bullseye)", "ld-linux-armhf.so.3", 32)


def pi5(root: Path) -> None:
    write(root, common(8_257_000, ("raspberrypi,5-model-b", "brcm,bcm2712"), "Raspberry Pi 5 Model B Rev 1.0"))
    write(root, {**cpus(4, 0xD0B, A76, (1500, 2400, 1500)), **zones("cpu-thermal")})
    write(root, {**hwmon(0, "rpi_volt", {"in0_lcrit_alarm": "1"}), "usr/bin/vcgencmd": "x"})
    write(root, {"sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "0\n"})
    (root / "usr/bin/vcgencmd").chmod(0o755)
    system(root, "aarch64-linux-gnu", "2.36", "3.11", "Debian GNU/Linux 12 (bookworm)", "ld-linux-aarch64.so.1")


def jetson_nano(root: Path) -> None:
    write(
        root,
        common(
            4_059_000, ("nvidia,p3449-0000-b00+p3448-0000-b00", "nvidia,jetson-nano", "nvidia,tegra210"), "NVIDIA Jetson Nano Developer Kit"
        ),
    )
    write(root, {**cpus(4, 0xD07, "fp asimd evtstrm aes pmull sha1 sha2 crc32", (102, 1479, 1479))})
    write(root, zones("AO-therm", "CPU-therm", "GPU-therm", "PLL-therm", "PMIC-Die", "thermal-fan-est"))
    rails = {f"rail_name_{i}": f"{rail}\n" for i, rail in enumerate(("POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"))}
    write(root, {f"sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/{name}": text for name, text in rails.items()})
    write(
        root,
        {
            "sys/bus/i2c/drivers/ina3221x/uevent": "",
            "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref\n",
        },
    )
    modes = "# MAXN is the NONE power model\n< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n"
    modes += "< POWER_MODEL ID=1 NAME=5W >\n< PM_CONFIG DEFAULT=0 >\n"
    write(root, {"etc/nvpmodel.conf": modes, "var/lib/nvpmodel/status": "pmode:0000"})
    system(root, "aarch64-linux-gnu", "2.27", "3.6", "Ubuntu 18.04.6 LTS", "ld-linux-aarch64.so.1")


def orin_nano(root: Path) -> None:
    write(
        root,
        common(
            7_803_000,
            ("nvidia,p3768-0000+p3767-0005-super", "nvidia,p3767-0005", "nvidia,tegra234"),
            "NVIDIA Jetson Orin Nano Developer Kit",
        ),
    )
    write(root, cpus(6, 0xD42, A78AE, (115, 1728, 729)))
    names = ("cpu", "gpu", "cv0", "cv1", "cv2", "soc0", "soc1", "soc2", "tj")
    write(root, zones(*(f"{name}-thermal" for name in names)))
    (root / "sys/class/thermal/thermal_zone2/temp").unlink()  # EAGAIN while the part is off
    labels = {"in1_label": "VDD_IN", "in2_label": "VDD_CPU_GPU_CV", "in3_label": "VDD_SOC", "in7_label": "sum of shunt voltages"}
    write(root, hwmon(3, "ina3221", {**labels, "in1_input": "5080", "curr1_input": "904", "curr1_crit_alarm": "0"}))
    release = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed\n# KERNEL\n"
    modes = "".join(f"< POWER_MODEL ID={i} NAME={mode} >\n" for i, mode in enumerate(("15W", "25W", "MAXN_SUPER")))
    write(root, {"etc/nv_tegra_release": release, "etc/nvpmodel.conf": modes})
    write(root, {"var/lib/nvpmodel/status": "pmode:0002\nfmode:quiet\n"})
    system(root, "aarch64-linux-gnu", "2.35", "3.10", "Ubuntu 22.04.5 LTS", "ld-linux-aarch64.so.1")


MACHINES = {"raspberrypi_4b": pi4, "raspberrypi_5": pi5, "nvidia_jetson_nano": jetson_nano, "nvidia_jetson_orin_nano": orin_nano}
