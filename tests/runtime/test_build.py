"""The build: only what changed, the right flags, any compiler."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq_runtime import build, lists, toolchain

SOURCE = '#include "value.h"\nint eq_value(void) { return EQ_VALUE; }\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One source and its header, with objects of their own."""
    monkeypatch.setattr(toolchain, "BUILD", tmp_path / "build")
    (tmp_path / "value.h").write_text("#define EQ_VALUE 1\n")
    (tmp_path / "value.c").write_text(SOURCE)
    return tmp_path


def compiled(project: Path, config: build.Config) -> int:
    """The time stamp of the object."""
    config.folder.mkdir(parents=True, exist_ok=True)
    return build.compile_one(config, build.enabled(config.cc), project / "value.c").stat().st_mtime_ns


def test_an_object_is_made_again_only_when_a_file_or_the_command_changed(project: Path) -> None:
    config = build.Config(build.default_cc(), "test")
    first = compiled(project, config)
    assert compiled(project, config) == first
    (project / "value.h").write_text("#define EQ_VALUE 2\n")
    second = compiled(project, config)
    assert second > first
    assert compiled(project, build.Config(config.cc, "test", ("-DEQ_OTHER",))) > second


def test_a_file_that_does_not_compile_is_an_error_with_the_compiler_s_words(project: Path) -> None:
    (project / "value.h").write_text("")
    with pytest.raises(build.BuildError, match="EQ_VALUE"):
        compiled(project, build.Config(build.default_cc(), "test"))


def test_a_warning_is_an_error(project: Path) -> None:
    (project / "value.h").write_text("#define EQ_VALUE 1LL << 40\n")
    with pytest.raises(build.BuildError, match="conversion"):
        compiled(project, build.Config(build.default_cc(), "test"))


def test_kernels_get_the_flags_of_their_suffix_and_nobody_else() -> None:
    config = build.Config("cc")
    on = {"portable": True, "avx2": True}
    kernel = build.compile_command(config, on, build.CSRC / "kernels" / "gemm_s8_s16_s8__avx2.c", Path("x.o"))
    portable = build.compile_command(config, on, build.CSRC / "kernels" / "gemm_s8_s16_s8__portable.c", Path("x.o"))
    core = build.compile_command(config, on, build.CSRC / "eq_run.c", Path("x.o"))
    assert "-mavx2" in kernel and "-mavx2" not in portable and "-mavx2" not in core
    for command in (kernel, portable, core):
        assert {"-ffp-contract=off", "-Werror", "-Wconversion", "-DEQ_ON_avx2=1"} <= set(command)


def test_a_target_has_only_kernels_that_its_machine_can_run() -> None:
    sources = build.target_sources("lib", {name: name == "portable" for name in (*lists.isas(), *lists.sha256s())})
    assert not [path for path in sources if path.parent.name == "hash"]
    kernels = [path.stem for path in sources if path.parent.name == "kernels"]
    assert kernels and all(stem.endswith("__portable") for stem in kernels)


def test_a_kernel_of_an_unknown_instruction_set_is_an_error() -> None:
    with pytest.raises(build.BuildError, match="no row 'avx2'"):
        build.target_sources("lib", {"portable": True})


def test_a_hash_of_an_unknown_instruction_set_is_an_error() -> None:
    with pytest.raises(build.BuildError, match=r"no row 'sha2' in sha256\.def"):
        build.target_sources("lib", dict.fromkeys(lists.isas(), False))


def test_a_hash_gets_the_flags_of_its_row_and_is_compiled_for_size() -> None:
    source = build.CSRC / "hash" / "sha256__sha_ni.c"
    command = build.compile_command(build.Config("cc"), {}, source, Path("x.o"))
    assert {"-msha", "-msse4.1", "-Os"} <= set(command)
    assert "-msha" not in build.compile_command(build.Config("cc"), {}, build.CSRC / "eq_sha256.c", Path("x.o"))


def test_a_compiler_that_is_missing_is_named() -> None:
    with pytest.raises(build.BuildError, match="no-such-cc"):
        build.enabled("no-such-cc")


@pytest.mark.slow
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_the_library_builds_without_a_warning(cc: str) -> None:
    if not shutil.which(cc):
        pytest.skip(f"{cc} is not installed")
    assert build.build("lib", build.config_for("lib", cc, False)).stat().st_size > 0
