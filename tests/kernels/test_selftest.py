"""Every kernel that this CPU runs against the portable one, and the harness itself against kernels that are wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import build, lists, native

WRONG = [  # kernel, what is right, what is wrong with it
    ("gemm_s8_s16_s8__avx2", "k += KR, w += NR * KR", "k += 2 * KR, w += 2 * NR * KR"),
    ("gemm_s8_s16_s8__avx2", "(uint32_t)sum * (uint32_t)g->w_zero", "(uint32_t)sum"),
    ("gemm_s8_s16_s8__avx2", "_mm256_madd_epi16(a, b[j])", "_mm256_cvtepi16_epi32(_mm256_castsi256_si128(_mm256_madd_epi16(a, b[j])))"),
    ("gemm_s8_s16_s8__avx2", "g->n - o >= 2 * NR", "g->n - o >= 1"),
    (
        "dwconv_s8_s8_s8__avx2",
        "KR * j + 1 < taps ? load_bytes(x[KR * j + 1] + offset, count)",
        "KR * j + 2 < taps ? load_bytes(x[KR * j + 1] + offset, count)",
    ),
    ("dwconv_s8_s8_s8__avx2", "d->taps == 2 * KEPT - 1", "d->taps >= 2 * KEPT - 1"),
    ("dwconv_s8_s8_s8__avx2", "memcpy(&bytes, x, count);", "memcpy(&bytes, x, sizeof bytes);"),
    ("gemm_f32_f32_f32__avx2", "const size_t left = k - at", "const size_t left = k - at > 15 ? 15 : k - at - 1"),
    (
        "gemm_f32_f32_f32__avx2",
        "_mm_add_ps(_mm_add_ps(q[0], q[2]), _mm_add_ps(q[1], q[3]))",
        "_mm_add_ps(_mm_add_ps(q[0], q[1]), _mm_add_ps(q[2], q[3]))",
    ),
    ("gemm_s16_s16_s8__avx2", "EXACT = 255 * KR", "EXACT = 288 * KR"),
    ("gemm_s16_s16_s8__avx2", "_mm256_srlv_epi64(top, right)", "_mm256_setzero_si256()"),
    ("gemm_s16_s16_s8__avx2", "memcpy(y, words, count * sizeof *y);", "memcpy(y, words, sizeof words);"),
    ("gemm_s8_u8_s8__avx_vnni", "g->n - o >= 2 * NR", "g->n - o > NR"),
    ("gemm_s8_u8_s8__avx_vnni", "zero_term(g, a[i])", "zero_term(g, a[0])"),
    ("gemm_s8_u8_s8__avx_vnni", " && g->n_lowest > 0", ""),
    ("dwconv_s8_u8_s8__avx_vnni", "left < NR ? n - NR : c", "c"),
    ("dwconv_s8_u8_s8__avx_vnni", "d->w_zero == INT8_MIN", "d->w_zero > INT8_MAX"),
    ("dwconv_s8_u8_s8__avx_vnni", "d->kh % KR != 0", "d->kh > 1"),
    ("dwconv_s8_u8_s8__avx512_vnni", "d->w_zero == INT8_MIN", "d->w_zero > INT8_MAX"),
    ("dwconv_s8_u8_s8__avx_vnni", "_mm256_mullo_epi32(sum, _mm256_set1_epi32(d->w_zero))", "sum"),
    ("lookup_s8_s8_s8__avx2", "_mm256_subs_epi8(low[i], down)", "_mm256_sub_epi8(low[i], down)"),
    ("lookup_s8_s8_s8__avx2", "if (i + STEP > d->n) i = d->n - STEP;", ""),
    ("maxpool_s8_s8_s8__avx2", "if (c + STEP > n) c = n - STEP;", ""),
    ("sum_s32_s8_s8__avx2", "FIT = 255", "FIT = 257"),
    ("dwconv_f32_f32_f32__avx2", "c + 8 <= d->channels", "c + 7 <= d->channels"),
    ("gemm_b1_b1_b1__avx2", "<< (EIGHT * j)", "<< (EIGHT * (3 - j))"),
    ("gemm_b1_b1_b1__avx2", "y += first * g->y_stride", "y += first * ((g->signs.n + 31) / 32)"),
    ("gemm_b1_b1_b1__avx512_vpopcntdq", "_mm512_kunpackw(high, low)", "_mm512_kunpackw(low, high)"),
    ("gemm_b1_b1_b1__avx512_vpopcntdq", "base_of(&g->signs, row, o, j));", "base_of(&g->signs, first, o, j));"),
    ("gemm_s8_b1_b1__avx512_vpopcntdq", "if (__builtin_expect(short_way, 1))", "if (1)"),
    ("gemm_s8_b1_b1__avx512_vpopcntdq", "_mm512_slli_epi32(bits, 1)", "bits"),
    ("gemm_s8_b1_b1__avx2", "g->signs.n - at < EIGHT ? g->signs.n - at : EIGHT", "EIGHT"),
    ("sign_b1_s8_s8__avx2", " >> missing;", ";"),
    ("sign_b1_s8_s8__avx2", "memcpy(bytes, x, left);", "memcpy(bytes, x, sizeof bytes);"),
    ("unpack_s8_b1_b1__avx2", "memcpy(y, bytes, d->channels - c);", "memcpy(y, bytes, sizeof bytes);"),
]


def config(cc: str, sanitize: bool = False) -> build.Config:
    if not shutil.which(cc):
        pytest.skip(f"{cc} is not installed")
    return build.config_for("selftest", cc, sanitize)


def here() -> list[str]:
    """Stems of the kernels that this CPU runs."""
    mask = int(native.library().eq_cpu_isas())
    return [k.stem for k in lists.kernels() if mask >> lists.isas()[k.isa].bit & 1]


def run(program: Path, *kernels: str) -> subprocess.CompletedProcess[str]:
    """Of all kernels, or of these."""
    return subprocess.run([program, *kernels], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("cc", "sanitize"),
    [("gcc", False), pytest.param("clang", False, marks=pytest.mark.slow), pytest.param("clang", True, marks=pytest.mark.slow)],
)
def test_every_kernel_of_this_cpu_equals_portable(cc: str, sanitize: bool) -> None:
    done = run(build.build("selftest", config(cc, sanitize)))
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert passed == here()


def mutated(stem: str, right: str, wrong: str, folder: Path) -> Path:
    """The kernel with one change, of its file or of a header beside it."""
    shutil.copytree(build.CSRC / "kernels", folder)
    source = folder / f"{stem}.c"
    headers = [folder / name for name in re.findall(r'^#include "((?!eq_)\w+\.h)"', source.read_text(), flags=re.M)]
    texts = {path: path.read_text() for path in (source, *headers)}
    assert sum(text.count(right) for text in texts.values()) == 1, "the kernel has changed: adapt this test"
    for path, text in texts.items():
        path.write_text(text.replace(right, wrong))
    return source


@pytest.mark.slow
@pytest.mark.parametrize(("stem", "right", "wrong"), WRONG, ids=[f"{stem}-{i}" for i, (stem, _, _) in enumerate(WRONG)])
def test_selftest_reports_a_wrong_kernel(stem: str, right: str, wrong: str, tmp_path: Path) -> None:
    if stem not in here():
        pytest.skip(f"{stem} does not run here")
    base = config("gcc")
    build.build("selftest", base)
    source = mutated(stem, right, wrong, tmp_path / "kernels")
    on = build.enabled(base.cc)
    mutant = tmp_path / "mutant.o"
    command = [flag for flag in build.compile_command(base, on, source, mutant) if flag != "-Werror"]
    subprocess.run(command, check=True, capture_output=True)
    objects = [build.compile_one(base, on, path) for path in build.target_sources("selftest", on) if path.stem != stem]
    done = run(build.link(base, "selftest", [*objects, mutant], tmp_path / "selftest"), stem)
    assert done.returncode not in (0, 2)
    assert done.returncode < 0 or f"FAIL {stem} " in done.stdout  # a signal: it read beyond its input


def test_selftest_runs_the_named_kernels_alone() -> None:
    program = build.build("selftest", config("gcc"))
    assert run(program, "sum_s32_s8_s8__portable", "nothing").stdout.startswith("ok   sum_s32_s8_s8__portable ")
    assert len(run(program, "sum_s32_s8_s8__portable").stdout.splitlines()) == 1
    assert (run(program, "nothing").returncode, run(program, "nothing").stdout) == (2, "")
