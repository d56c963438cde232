"""What pyproject.toml cannot say: the wheel holds C that is compiled for one platform, and runs in any Python of that platform.

With bdist_wheel's --plat-name manylinux_2_17_<machine> it is compiled for that machine (zig), else by this machine's compiler for itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from edgeq_runtime import build

NOT_ON_A_DEVICE = ("build", "firmware", "rp2040", "setup", "stack", "toolchain")  # they need the C sources, which the wheel has not


class BuildPy(build_py):  # type: ignore[misc]
    """The modules and, but for an editable install, what is compiled."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found = super().find_package_modules(package, package_dir)
        return [row for row in found if self.editable_mode or row[1] not in NOT_ON_A_DEVICE]

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "edgeq_runtime" / "lib"
        self.mkpath(str(target))
        arch = self._arch()
        for name in build.SHIPS:
            self.copy_file(str(build.build(name, build.config_for(name, None, False, arch))), str(target))

    def _arch(self) -> str | None:
        """A key of build.CROSS; None: this machine as it is."""
        wheel = self.distribution.get_command_obj("bdist_wheel")
        return {machine.wheel: arch for arch, machine in build.CROSS.items()}.get(wheel.plat_name)


class Compiled(Distribution):  # type: ignore[misc]
    def has_ext_modules(self) -> bool:
        return True


class Wheel(bdist_wheel):  # type: ignore[misc]
    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(distclass=Compiled, cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel})
