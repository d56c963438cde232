/* Cores, clocks and features. */
#define _GNU_SOURCE
#include "probe_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) || defined(__arm__)
#include <sys/auxv.h>
#endif

enum { KINDS = 16, CPUS = EQ_PROBE_ENTRIES };

/* Names of the bits of AT_HWCAP and AT_HWCAP2, lowest first, as the kernel has them. */
#if defined(__aarch64__)
static const char hwcap[] = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 "
                            "sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg";
static const char hwcap2[] = "dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm "
                             "bf16 dgh rng bti mte";
#elif defined(__arm__)
static const char hwcap[] = "swp half thumb 26bit fastmult fpa vfp edsp java iwmmxt crunch thumbee neon vfpv3 vfpv3d16 tls vfpv4 idiva "
                            "idivt vfpd32 lpae evtstrm";
static const char hwcap2[] = "aes pmull sha1 sha2 crc32";
#endif

#if defined(__aarch64__) || defined(__arm__)
static size_t names_of(char *out, size_t at, size_t room, unsigned long bits, const char *names) {
    for (unsigned bit = 0; *names && bit < 8 * sizeof bits; bit++) {
        size_t n = strcspn(names, " ");
        if ((bits >> bit & 1) && at + n + 2 < room) {
            memcpy(out + at, names, n);
            at += n;
            out[at++] = ' ';
        }
        names += n + (names[n] == ' ');
    }
    out[at] = 0;
    return at;
}

static void capabilities(struct eq_probe *probe) {
    char text[EQ_PROBE_VALUE];
    size_t at = names_of(text, 0, sizeof text, getauxval(AT_HWCAP), hwcap);
    (void)names_of(text, at, sizeof text, getauxval(AT_HWCAP2), hwcap2);
    eq_probe_tell(probe, "cpu.hwcap", "%s", text);
}
#else
static void capabilities(struct eq_probe *probe) { (void)probe; }
#endif

/* One kind of core: those with the same part and clocks. 0: not known. */
struct kind {
    unsigned count, implementer, part;
    uint64_t min_khz, max_khz, now_khz;
    char governor[32];
};

/* Who made each core, and what it is, from /proc/cpuinfo: for kernels that do not show the register. */
static void parts_of(const char *text, unsigned implementer[CPUS], unsigned part[CPUS]) {
    unsigned long cpu = CPUS;
    char value[EQ_PROBE_LINE];
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *at = line;
        if (!strncmp(line, "processor", 9) && eq_probe_value(&at, "processor", value, sizeof value)) cpu = strtoul(value, NULL, 10);
        if (cpu >= CPUS || strncmp(line, "CPU ", 4)) continue;
        at = line;
        if (!strncmp(line, "CPU impl", 8) && eq_probe_value(&at, "CPU implementer", value, sizeof value))
            implementer[cpu] = (unsigned)strtoul(value, NULL, 0);
        at = line;
        if (!strncmp(line, "CPU part", 8) && eq_probe_value(&at, "CPU part", value, sizeof value))
            part[cpu] = (unsigned)strtoul(value, NULL, 0);
    }
}

static void look(const struct eq_probe *probe, struct kind *kind, const char *cpu) {
    uint64_t midr;
    if (eq_probe_number(probe, &midr, "/sys/devices/system/cpu/%s/regs/identification/midr_el1", cpu)) {
        kind->implementer = (unsigned)(midr >> 24 & 255);
        kind->part = (unsigned)(midr >> 4 & 4095);
    }
    (void)eq_probe_number(probe, &kind->min_khz, "/sys/devices/system/cpu/%s/cpufreq/cpuinfo_min_freq", cpu);
    (void)eq_probe_number(probe, &kind->max_khz, "/sys/devices/system/cpu/%s/cpufreq/cpuinfo_max_freq", cpu);
    (void)eq_probe_number(probe, &kind->now_khz, "/sys/devices/system/cpu/%s/cpufreq/scaling_cur_freq", cpu);
    (void)eq_probe_line(probe, kind->governor, sizeof kind->governor, "/sys/devices/system/cpu/%s/cpufreq/scaling_governor", cpu);
}

static void add(struct kind *kinds, int *count, const struct kind *one) {
    int i = 0;
    while (i < *count && (kinds[i].implementer != one->implementer || kinds[i].part != one->part || kinds[i].min_khz != one->min_khz ||
                          kinds[i].max_khz != one->max_khz || strcmp(kinds[i].governor, one->governor)))
        i++;
    if (i == KINDS) return;
    if (i == *count) kinds[(*count)++] = *one;
    kinds[i].count++;
}

static int is_core(const char *name) { return name[3] != 0 && name[3 + strspn(name + 3, "0123456789")] == 0; }

static void cores(struct eq_probe *probe, const char *cpuinfo) {
    static const struct kind unknown;
    unsigned implementer[CPUS] = {0}, part[CPUS] = {0};
    struct kind kinds[KINDS];
    int count = 0;
    struct eq_probe_names *names = eq_probe_list(probe, "/sys/devices/system/cpu", "cpu");
    if (cpuinfo) parts_of(cpuinfo, implementer, part);
    for (int i = 0; names && i < names->count; i++) {
        if (!is_core(names->name[i])) continue;
        unsigned long cpu = strtoul(names->name[i] + 3, NULL, 10);
        struct kind one = unknown;
        if (cpu < CPUS) one.implementer = implementer[cpu], one.part = part[cpu];
        look(probe, &one, names->name[i]);
        add(kinds, &count, &one);
    }
    for (int i = 0; i < count; i++) {
        const struct kind *k = &kinds[i];
        eq_probe_tell(probe, "cpu.cores", "%u\t0x%02x\t0x%03x\t%llu\t%llu\t%llu\t%s", k->count, k->implementer, k->part,
                      (unsigned long long)k->min_khz * 1000u, (unsigned long long)k->max_khz * 1000u,
                      (unsigned long long)k->now_khz * 1000u, k->governor);
    }
    free(names);
}

void eq_probe_cpu(struct eq_probe *probe) {
    static const char *const features[] = {"Features", "flags"}; /* on Arm, on x86 */
    char value[EQ_PROBE_VALUE];
    const char *text = eq_probe_text(probe, "/proc/cpuinfo"), *at = text;
    capabilities(probe);
    if (at && eq_probe_value(&at, "model name", value, sizeof value)) eq_probe_tell(probe, "cpu.name", "%s", value);
    for (int i = 0; i < 2; i++)
        if ((at = text) && eq_probe_value(&at, features[i], value, sizeof value)) eq_probe_tell(probe, "cpu.features", "%s", value);
    cores(probe, text);
}
