/* A TCG plugin: guest instructions that were executed, in all and by symbol, written at exit. weighted=on, for Thumb: each register that an
 * instruction loads or stores beyond the first counts as one more. The declarations below are the part of QEMU's plugin interface, version
 * 1, that it needs: distributions ship no header. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*tb_translated_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exit_fn)(qemu_plugin_id_t id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated_fn done);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_fn done, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);
void qemu_plugin_outs(const char *text);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

enum { SYMBOLS = 4096, OTHER = 0 };
static struct {
    char name[96];
    uint64_t count;
} symbols[SYMBOLS] = {{"(other)", 0}};
static size_t used = 1;

static size_t place(const char *name) {
    if (!name) return OTHER;
    for (size_t i = 1; i < used; i++)
        if (!strncmp(symbols[i].name, name, sizeof symbols[i].name - 1)) return i;
    if (used == SYMBOLS) return OTHER;
    snprintf(symbols[used].name, sizeof symbols[used].name, "%s", name);
    return used++;
}

static int weighted;

/* Registers that a Thumb instruction loads or stores beyond the first: PUSH, POP, LDM, STM, LDRD, STRD. */
static unsigned more_registers(const struct qemu_plugin_insn *insn) {
    uint16_t half[2] = {0, 0};
    const size_t size = qemu_plugin_insn_size(insn);
    memcpy(half, qemu_plugin_insn_data(insn), size < sizeof half ? size : sizeof half);
    unsigned list = 0;
    if (size == 2 && (half[0] & 0xf600) == 0xb400) list = half[0] & 0x1ff;
    if (size == 2 && (half[0] & 0xf000) == 0xc000) list = half[0] & 0xff;
    if (size == 4 && (half[0] & 0xfe40) == 0xe800) list = half[1];
    if (size == 4 && (half[0] & 0xfe40) == 0xe840 && half[0] & 0x120) return 1; /* without either bit: exclusive, or a table's branch */
    const int registers = __builtin_popcount(list);
    return registers > 1 ? (unsigned)registers - 1 : 0;
}

/* A block belongs to the symbol that it begins in. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    uint64_t *counter = &symbols[place(qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0)))].count;
    const size_t instructions = qemu_plugin_tb_n_insns(tb);
    uint64_t counted = instructions;
    for (size_t i = 0; weighted && i < instructions; i++) counted += more_registers(qemu_plugin_tb_get_insn(tb, i));
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, counter, counted);
}

static void report(qemu_plugin_id_t id, void *data) {
    (void)id;
    (void)data;
    for (size_t i = 0; i < used; i++) {
        char line[32 + sizeof symbols->name];
        snprintf(line, sizeof line, "%" PRIu64 " %.95s\n", symbols[i].count, symbols[i].name);
        qemu_plugin_outs(line);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) weighted |= !strcmp(argv[i], "weighted=on");
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
