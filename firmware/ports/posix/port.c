/* A microcontroller played by a POSIX process: the limits of a small device, one pool of memory, no processes. Core, agent and link
 * are tested on it as firmware links them. The stream is standard input and output; the flash lies in the file `flash` of $EDGEQ_STORE
 * and is that of the chip $EDGEQ_FLASH. $EDGEQ_FLASH_CUT: the operation of the flash in which the power goes. */
#include "agent/eq_pool.h"
#include "agent/eq_port.h"
#include "eq.h"
#include "flash.h"
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL_BYTES (320u * 1024u) /* the RAM of a common Cortex-M7 */

static alignas(EQ_ALIGN) uint8_t memory[POOL_BYTES];
static struct eq_pool pool = {.memory = memory, .size = POOL_BYTES};
static struct eq_posix_flash flash;
static struct eq_flash_store store;

uint64_t eq_port_ticks(void) { return eq_port_time_ns(); }

uint64_t eq_port_cpu_ns(void) { return eq_port_time_ns(); }

const struct eq_workers *eq_port_workers(int threads) {
    (void)threads;
    return NULL;
}

int eq_port_random(void *data, size_t size) { return getentropy(data, size); }

void *eq_port_alloc(size_t size) { return eq_pool_alloc(&pool, size); }

void eq_port_free(void *block) { eq_pool_free(&pool, block); }

void eq_port_unused(void *memory, size_t size) { (void)memory, (void)size; } /* a pool has no pages */

const struct eq_store_ops *eq_port_store(void) { return &store.ops; }

/* Nothing stands between the agent and the work: a chip has a watchdog here. */
int eq_port_guard(struct eq_port_work *work) {
    work->work(work->argument, work->result);
    return 0;
}

void eq_port_info(struct eq_port_info *info) {
    memset(info, 0, sizeof *info);
    info->board = "posix";
    info->machine = "microcontroller played by a process";
    info->system = "none";
    info->memory_bytes = POOL_BYTES;
    info->memory_free = eq_pool_room(&pool);
    info->isas = 1u << EQ_ISA_portable;
    info->limits = (struct eq_link_limits){512, 2048, 1024, EQ_VERSION_NUMBER};
}

/* A chip's firmware knows nothing that eq_port_info does not say. */
int eq_port_probe(const struct eq_port_listener *to) {
    (void)to;
    return 0;
}

/* The test needs pages that cannot be read: a chip runs the self-tests of its models. */
int eq_port_check_kernel(size_t index, uint32_t *cases) {
    (void)index;
    (void)cases;
    return -1;
}

static void ended(const struct eq_posix_flash *f) {
    if (f->violation[0]) fprintf(stderr, "edgeq-posix: what no flash does: %s\n", f->violation);
    _exit(f->off ? 0 : 70); /* the power goes without a word */
}

/* The file `flash` below the root, blank when it is new; NULL: it cannot be had. */
static uint8_t *open_flash(const char *root, size_t size) {
    char path[3072];
    struct stat info;
    if (snprintf(path, sizeof path, "%s/flash", root) >= (int)sizeof path) return NULL;
    (void)mkdir(root, 0700);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int fresh = file >= 0 && !fstat(file, &info) && info.st_size == 0;
    if (file < 0 || (fresh && ftruncate(file, (off_t)size)) || fstat(file, &info) || info.st_size != (off_t)size) return NULL;
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) return NULL;
    if (fresh) memset(bytes, 0xFF, flash.size);
    return bytes;
}

int main(void) {
    const char *root = getenv("EDGEQ_STORE"), *chip = getenv("EDGEQ_FLASH"), *cut = getenv("EDGEQ_FLASH_CUT");
    if (!chip || !*chip) chip = eq_posix_flash_chip(0);
    if (!eq_posix_flash_init(&flash, chip, NULL)) {
        fprintf(stderr, "edgeq-posix: EDGEQ_FLASH names %s; the chips are", chip);
        for (uint32_t i = 0; eq_posix_flash_chip(i); i++) fprintf(stderr, " %s", eq_posix_flash_chip(i));
        fputc('\n', stderr);
        return 2;
    }
    uint8_t *bytes = root && *root ? open_flash(root, flash.size + flash.size / flash.flash.word) : NULL;
    if (!bytes) {
        fprintf(stderr, "edgeq-posix: set EDGEQ_STORE to a folder for the flash; a file `flash` in it has to be one of %s\n", chip);
        return 2;
    }
    (void)eq_posix_flash_init(&flash, chip, bytes);
    flash.ended = ended;
    flash.cut = cut ? (uint32_t)strtoul(cut, NULL, 10) : 0;
    eq_flash_store_init(&store, &flash.flash);
    return eq_fault_exit_code(eq_agent_serve());
}
