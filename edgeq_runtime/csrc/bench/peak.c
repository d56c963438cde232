/* What this CPU can do at most: twelve independent registers of one instruction, or of the few that make a sum, and reads of memory that
 * lies in a cache. */
#include "bench.h"

#if defined(__x86_64__)
#include "eq_x86.h"

enum { TURNS = 4096, REGISTERS = 12 };

#define CLOBBERS                                                                                                                           \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define TWELVE(F) F("0") F("1") F("2") F("3") F("4") F("5") F("6") F("7") F("8") F("9") F("10") F("11")

/* clang-format off */
#define FUSED_YMM(r) OP " %%ymm14, %%ymm15, %%ymm" r "\n\t"
#define FUSED_ZMM(r) OP " %%zmm14, %%zmm15, %%zmm" r "\n\t"
#define EXACT_YMM(r) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" r ", %%ymm" r "\n\t"
#define EXACT_ZMM(r) "vpmaddwd %%zmm14, %%zmm15, %%zmm13\n\tvpaddd %%zmm13, %%zmm" r ", %%zmm" r "\n\t"
#define SIGNS_ZMM(r) "vpxord %%zmm14, %%zmm15, %%zmm13\n\tvpopcntd %%zmm13, %%zmm13\n\tvpaddd %%zmm13, %%zmm" r ", %%zmm" r "\n\t"
#define SIGNS_YMM(r) "vpxor %%ymm14, %%ymm15, %%ymm13\n\tvpand %%ymm13, %%ymm14, %%ymm12\n\tvpsrlw $4, %%ymm13, %%ymm13\n\t" \
    "vpand %%ymm13, %%ymm14, %%ymm13\n\tvpshufb %%ymm12, %%ymm15, %%ymm12\n\tvpshufb %%ymm13, %%ymm15, %%ymm13\n\t" \
    "vpaddb %%ymm12, %%ymm" r ", %%ymm" r "\n\tvpaddb %%ymm13, %%ymm" r ", %%ymm" r "\n\t"
/* clang-format on */
#define LOOP(name, body)                                                                                                                   \
    static void name(void) {                                                                                                               \
        __asm__ volatile("vzeroall" : : : CLOBBERS); /* denormals would slow the floats down */                                            \
        for (int i = 0; i < TURNS; i++) __asm__ volatile(body : : : CLOBBERS);                                                             \
        __asm__ volatile("vzeroupper" : : : CLOBBERS);                                                                                     \
    }

LOOP(signs_ymm, TWELVE(SIGNS_YMM))
LOOP(signs_zmm, TWELVE(SIGNS_ZMM))
LOOP(maddwd_ymm, TWELVE(EXACT_YMM))
LOOP(maddwd_zmm, TWELVE(EXACT_ZMM))
#define OP "vpdpbusd"
LOOP(dpbusd_ymm, TWELVE(FUSED_YMM))
LOOP(dpbusd_zmm, TWELVE(FUSED_ZMM))
#undef OP
#define OP "%{vex%} vpdpbusd"
LOOP(dpbusd_vex, TWELVE(FUSED_YMM))
#undef OP
#define OP "vpdpwssd"
LOOP(dpwssd_ymm, TWELVE(FUSED_YMM))
LOOP(dpwssd_zmm, TWELVE(FUSED_ZMM))
#undef OP
#define OP "vfmadd231ps"
LOOP(fma_ymm, TWELVE(FUSED_YMM))
LOOP(fma_zmm, TWELVE(FUSED_ZMM))
#undef OP

#define HAS(name, check)                                                                                                                   \
    static int has_##name(void) {                                                                                                          \
        const struct eq_x86 cpu = eq_x86_read();                                                                                           \
        return (check) != 0;                                                                                                               \
    }
HAS(avxvnni, EQ_X86_avx2 &&EQ_X86_avx_vnni)
HAS(vnni, EQ_X86_avx512_vnni &&EQ_X86_avx512vl)
HAS(vpopcntdq, EQ_X86_avx512_vpopcntdq &&EQ_X86_avx512f)
HAS(avx512, EQ_X86_avx512bw &&EQ_X86_avx512f)
HAS(avx2, EQ_X86_avx2)
HAS(fma, EQ_X86_fma &&EQ_X86_avx2)
static int has_dpbusd_vex(void) { return has_avxvnni() && !has_vnni(); }

static const struct {
    const char *name;
    int (*here)(void);
    void (*loop)(void);
    int macs; /* of one instruction */
} peaks[] = {
    {"vpmaddwd+vpaddd ymm", has_avx2, maddwd_ymm, 16},
    {"vpmaddwd+vpaddd zmm", has_avx512, maddwd_zmm, 32},
    {"vpdpwssd ymm", has_vnni, dpwssd_ymm, 16},
    {"vpdpwssd zmm", has_vnni, dpwssd_zmm, 32},
    {"vpdpbusd ymm", has_vnni, dpbusd_ymm, 32},
    {"vpdpbusd ymm", has_dpbusd_vex, dpbusd_vex, 32},
    {"vpdpbusd zmm", has_vnni, dpbusd_zmm, 64},
    {"vfmadd231ps ymm", has_fma, fma_ymm, 8},
    {"vfmadd231ps zmm", has_avx512, fma_zmm, 16},
    {"vpxor+vpshufb counts ymm", has_avx2, signs_ymm, 256},
    {"vpxord+vpopcntd+vpaddd zmm", has_vpopcntdq, signs_zmm, 512},
};

int eq_bench_peak_count(void) { return (int)(sizeof peaks / sizeof *peaks); }
const char *eq_bench_peak_name(int index) { return peaks[index].name; }
uint64_t eq_bench_peak_macs(int index) { return (uint64_t)peaks[index].macs * TURNS * REGISTERS; }

uint64_t eq_bench_peak(int index, int n) {
    if (!peaks[index].here()) return 0;
    const uint64_t start = eq_bench_now_ns();
    for (int i = 0; i < n; i++) peaks[index].loop();
    return eq_bench_now_ns() - start;
}

static void read_zmm(const uint8_t *at, const uint8_t *end) {
    for (; at != end; at += 512)
        __asm__ volatile("vmovdqu64 (%0), %%zmm0\n\tvmovdqu64 64(%0), %%zmm1\n\tvmovdqu64 128(%0), %%zmm2\n\tvmovdqu64 192(%0), %%zmm3\n\t"
                         "vmovdqu64 256(%0), %%zmm4\n\tvmovdqu64 320(%0), %%zmm5\n\tvmovdqu64 384(%0), %%zmm6\n\tvmovdqu64 448(%0), %%zmm7"
                         :
                         : "r"(at)
                         : CLOBBERS, "memory");
    __asm__ volatile("vzeroupper" : : : CLOBBERS);
}

static void read_ymm(const uint8_t *at, const uint8_t *end) {
    for (; at != end; at += 256)
        __asm__ volatile("vmovdqu (%0), %%ymm0\n\tvmovdqu 32(%0), %%ymm1\n\tvmovdqu 64(%0), %%ymm2\n\tvmovdqu 96(%0), %%ymm3\n\t"
                         "vmovdqu 128(%0), %%ymm4\n\tvmovdqu 160(%0), %%ymm5\n\tvmovdqu 192(%0), %%ymm6\n\tvmovdqu 224(%0), %%ymm7"
                         :
                         : "r"(at)
                         : CLOBBERS, "memory");
    __asm__ volatile("vzeroupper" : : : CLOBBERS);
}

uint64_t eq_bench_read(const void *data, size_t bytes, int n) {
    const uint8_t *at = data;
    if (!has_avx2()) return 0;
    void (*const read)(const uint8_t *, const uint8_t *) = has_avx512() ? read_zmm : read_ymm;
    const uint64_t start = eq_bench_now_ns();
    for (int i = 0; i < n; i++) read(at, at + bytes);
    return eq_bench_now_ns() - start;
}
#else /* no loops are written for other CPUs yet: they have no peak to compare with */
int eq_bench_peak_count(void) { return 0; }
const char *eq_bench_peak_name(int index) {
    (void)index;
    return "";
}
uint64_t eq_bench_peak_macs(int index) {
    (void)index;
    return 0;
}
uint64_t eq_bench_peak(int index, int n) {
    (void)index, (void)n;
    return 0;
}
uint64_t eq_bench_read(const void *data, size_t bytes, int n) {
    (void)data, (void)bytes, (void)n;
    return 0;
}
#endif
