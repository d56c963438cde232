"""What pyproject.toml cannot say: the wheel holds C that is compiled for one platform, and runs in any Python of that platform."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from edgeq_runtime import build

NOT_ON_A_DEVICE = ("build", "setup")  # they need the C sources, which the wheel has not


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
        for name in build.SHIPS:
            self.copy_file(str(build.build(name, build.config_for(name, None, False))), str(target))


class Compiled(Distribution):  # type: ignore[misc]
    def has_ext_modules(self) -> bool:
        return True


class Wheel(bdist_wheel):  # type: ignore[misc]
    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(distclass=Compiled, cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel})
