"""What pyproject.toml cannot say: the folder boards/ goes into the wheel as the package edgeq_boards."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["edgeq_host", "edgeq_host.*"]), "edgeq_boards"],
    package_dir={"edgeq_boards": "boards"},
    package_data={"edgeq_boards": ["*.toml", "chips/*.toml"], "edgeq_host.ssh": ["bootstrap.sh"]},
)
