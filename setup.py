"""What pyproject.toml cannot say: the wheel also holds boards/, as edgeq_boards, and what `make agents` builds, as edgeq_agents."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))
from edgeq_runtime import build


class BuildPy(build_py):  # type: ignore[misc]
    """The modules and, but for an editable install, the files for devices."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        try:
            sums = build.devices()
        except build.BuildError as error:
            sys.exit(f"a wheel of edgeq carries agents for devices: {error}")
        for line in sums.read_text(encoding="utf-8").splitlines():
            self._copy(sums.parent / line.split()[1], sums.parent)
        self._copy(sums, sums.parent)

    def _copy(self, path: Path, folder: Path) -> None:
        target = Path(self.build_lib) / "edgeq_agents" / path.relative_to(folder)
        self.mkpath(str(target.parent))
        self.copy_file(str(path), str(target))


setup(
    packages=[*find_packages(include=["edgeq_host", "edgeq_host.*"]), "edgeq_boards"],
    package_dir={"edgeq_boards": "boards"},
    package_data={"edgeq_boards": ["*.toml", "chips/*.toml"], "edgeq_host.ssh": ["*.sh"]},
    cmdclass={"build_py": BuildPy},
)
