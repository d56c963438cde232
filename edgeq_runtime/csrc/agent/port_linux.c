/* The agent's machine: a process on Linux whose host is at its standard input and output. */
#define _GNU_SOURCE
#include "port_linux.h"
#include "../eq.h"
#include "../posix/eq_threads.h"
#include "../posix/eq_ticks.h"
#include "eq_port.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_BYTES (1u << 20) /* taken from the heap, without a look at the memory that is free */

static struct eq_store_files files;
static const struct eq_store_ops *store;
static uint32_t isas;

int eq_port_linux_init(const char *root) {
    char found[3072];
    if (!root) {
        int fault = eq_store_default_root(found, sizeof found);
        if (fault) return fault;
        root = found;
    }
    store = eq_store_files_init(&files, root);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write, not the end */
    return store ? 0 : EQ_FAULT_argument;
}

const char *eq_port_linux_root(void) { return files.root; }

/* EDGEQ_ISA: names with commas; not set: all. The first name that this machine does not have, or NULL. */
const char *eq_port_linux_isas(const char *names) {
    static char unknown[64];
    uint32_t mask = 1;
    isas = eq_cpu_isas();
    while (names && *names) {
        size_t n = strcspn(names, ","), found = EQ_ISA_COUNT;
        for (unsigned i = 0; i < EQ_ISA_COUNT; i++)
            if ((eq_cpu_isas() >> i & 1) && strlen(eq_isa_name(i)) == n && !strncmp(eq_isa_name(i), names, n)) found = i;
        if (found == EQ_ISA_COUNT) {
            snprintf(unknown, sizeof unknown, "%.*s", (int)n, names);
            return unknown;
        }
        mask |= 1u << found;
        names += n + (names[n] == ',');
        if (!*names) isas &= mask;
    }
    return NULL;
}

int eq_port_random(void *data, size_t size) { return getentropy(data, size); }

/* Lies before the memory that is handed out. */
struct head {
    void *block;
    size_t mapped; /* bytes, 0 where the block is the heap's */
};

void eq_port_free(void *memory) {
    struct head head;
    if (!memory) return;
    memcpy(&head, (uint8_t *)memory - sizeof head, sizeof head);
    if (head.mapped) (void)munmap(head.block, head.mapped);
    else free(head.block);
}

void eq_port_unused(void *memory, size_t size) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)memory, end = (start + size) & ~(page - 1);
    start = (start + page - 1) & ~(page - 1);
    if (start < end) (void)madvise((void *)start, end - start, MADV_DONTNEED);
}

const struct eq_store_ops *eq_port_store(void) { return store; }

static void child(struct eq_port_work *work, int out, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a loop here must not outlive the agent: it would keep the store locked */
    if (getppid() != parent) _exit(1);
    work->work(work->argument, work->result);
    ssize_t n = write(out, work->result, work->result_size);
    _exit(n == (ssize_t)work->result_size ? 0 : 1);
}

/* The result of the child, or that its time is over, or that nobody waits for it. */
static int collect(struct eq_port_work *work, int in) {
    uint64_t end = eq_port_time_ns() + (uint64_t)work->limit_ms * 1000000u;
    size_t got = 0;
    for (;;) {
        struct pollfd p = {in, POLLIN, 0};
        uint64_t now = eq_port_time_ns(), left_ms = now < end ? (end - now) / 1000000u + 1 : 0;
        if (left_ms == 0) return EQ_FAULT_selftest_hung;
        if (poll(&p, 1, left_ms < 500 ? (int)left_ms : 500) == 0 && work->alive && work->alive(work->alive_context))
            return EQ_FAULT_host_gone;
        if (!(p.revents & (POLLIN | POLLHUP))) continue;
        ssize_t n = read(in, (char *)work->result + got, work->result_size - got);
        if (n > 0) got += (size_t)n;
        if (got == work->result_size) return 0;
        if (n == 0 || (n < 0 && errno != EINTR)) return EQ_FAULT_selftest_crashed;
    }
}

int eq_port_guard(struct eq_port_work *work) {
    int ends[2], status = 0;
    pid_t parent = getpid();
    if (pipe(ends)) return EQ_FAULT_memory;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(work, ends[1], parent);
    }
    close(ends[1]);
    int fault = pid < 0 ? EQ_FAULT_memory : collect(work, ends[0]);
    close(ends[0]);
    if (pid < 0) return fault;
    if (fault) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    work->detail = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return fault;
}

/* The first line of a text file that starts with `key`, after its ": "; 0 where there is none. */
static int value_of(const char *path, const char *key, char *out, size_t room) {
    char line[512];
    FILE *file = fopen(path, "re");
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        found = colon && !strncmp(line, key, strlen(key));
        if (found) snprintf(out, room, "%s", colon + 1 + strspn(colon + 1, " \t"));
    }
    if (file) fclose(file);
    if (found) out[strcspn(out, "\n")] = 0;
    return found;
}

static uint64_t clock_hz(void) {
    char text[64];
    unsigned long long khz = 0;
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "re");
    if (file && fscanf(file, "%llu", &khz) != 1) khz = 0;
    if (file) fclose(file);
    if (khz) return khz * 1000u;
    return value_of("/proc/cpuinfo", "cpu MHz", text, sizeof text) ? (uint64_t)(atof(text) * 1e6) : 0;
}

static uint64_t meminfo(const char *key) {
    char text[64];
    return value_of("/proc/meminfo", key, text, sizeof text) ? strtoull(text, NULL, 10) * 1024u : 0;
}

uint64_t eq_port_ticks(void) { return eq_ticks(); }

uint64_t eq_port_cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

const struct eq_workers *eq_port_workers(int threads) {
    static struct eq_threads *pool;
    eq_threads_stop(pool);
    pool = threads > 1 ? eq_threads_start(threads) : NULL;
    return pool ? eq_threads_workers(pool) : NULL;
}

/* A large block is asked of the system itself, which gives zeros page by page as they are used: a window that is never full stays small.
 * calloc of musl would write the zeros, and so take every page. */
static void *zeros(struct head *head, size_t size) {
    if (size <= SMALL_BYTES) return calloc(1, size);
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    head->mapped = size;
    return block == MAP_FAILED ? NULL : block;
}

/* No more than there is: the system would hand it out all the same and end some process later. */
void *eq_port_alloc(size_t size) {
    struct head head = {0};
    uint64_t available = size > SMALL_BYTES ? meminfo("MemAvailable") : 0;
    if (size > SIZE_MAX / 2 || (available && size > available)) return NULL;
    head.block = zeros(&head, size + EQ_ALIGN + sizeof head);
    if (!head.block) return NULL;
    uint8_t *memory = (uint8_t *)head.block + sizeof head;
    memory += (EQ_ALIGN - (uintptr_t)memory % EQ_ALIGN) % EQ_ALIGN;
    memcpy(memory - sizeof head, &head, sizeof head);
    return memory;
}

static int (*kernel_check)(size_t index, uint32_t *cases);

void eq_port_linux_checks(int (*check)(size_t index, uint32_t *cases)) { kernel_check = check; }

/* In a child: what it prints would be taken for frames. */
int eq_port_check_kernel(size_t index, uint32_t *cases) {
    int nowhere = kernel_check ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0) return -1;
    return kernel_check(index, cases);
}

void eq_port_info(struct eq_port_info *info) {
    static char machine[128], system[128];
    struct utsname name;
    char cpu[96] = "";
    memset(info, 0, sizeof *info);
    info->board = "linux"; /* what it is for; which board that is the probe tells */
    if (uname(&name)) memset(&name, 0, sizeof name);
    (void)value_of("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    snprintf(machine, sizeof machine, "%.24s%s%.90s", name.machine, *cpu ? ", " : "", cpu);
    snprintf(system, sizeof system, "%.40s %.80s", name.sysname, name.release);
    info->machine = machine;
    info->system = system;
    info->clock_hz = clock_hz();
    info->memory_bytes = meminfo("MemTotal");
    info->memory_free = meminfo("MemAvailable");
    info->isas = isas;
    info->limits = (struct eq_link_limits){EQ_MAX_PAYLOAD, 1u << 21, 65536 + 64, EQ_VERSION_NUMBER};
}
