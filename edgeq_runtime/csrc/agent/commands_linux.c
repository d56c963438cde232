/* The store without a host, for update systems, USB sticks and timers. */
#include "../eq_hash.h"
#include "eq_agent.h"
#include "port_linux.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS 60000u /* for a self-test */

static struct eq_health last_health;

static int health(void *context, const void *data, size_t size) {
    struct eq_port_info info;
    (void)context;
    eq_port_info(&info);
    return eq_agent_health(&last_health, data, size, info.isas, LIMIT_MS, NULL, NULL);
}

static int report(const char *what, int fault) {
    if (!fault) return 0;
    if (fault == EQ_FAULT_no_store) what = eq_port_linux_root();
    fprintf(stderr, "edgeq-agent: %s: %s", what, eq_fault_text(fault));
    if (fault == EQ_FAULT_model) fprintf(stderr, ": %s", eq_status_text(last_health.detail));
    if (fault == EQ_FAULT_selftest_failed) fprintf(stderr, " (sample %d)", (int)last_health.detail);
    if (fault == EQ_FAULT_selftest_crashed) fprintf(stderr, " (signal %d)", (int)last_health.detail);
    fputc('\n', stderr);
    return eq_fault_exit_code(fault);
}

/* The name of the file without its folder and its last suffix. */
static void stem(char *out, size_t room, const char *path) {
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
    snprintf(out, room, "%.*s", dot && dot != start ? (int)(dot - start) : (int)strlen(start), start);
}

static int install_bytes(const char *name, const void *data, size_t size) {
    struct eq_upload upload;
    uint8_t sha256[32];
    uint32_t version = 0;
    int current;
    eq_sha256(data, size, sha256);
    int fault = eq_store_begin(&upload, eq_port_store(), name, size, sha256, &current);
    if (fault) return report(name, fault);
    if (current) {
        printf("%s: version %u is this file already\n", name, (unsigned)upload.wanted.version);
        return 0;
    }
    uint64_t offset = upload.offset;
    fault = eq_store_write(&upload, offset, (const uint8_t *)data + offset, size - (size_t)offset);
    if (!fault) fault = eq_store_finish(&upload);
    if (!fault) fault = eq_store_commit(&upload, 0, health, NULL, &version);
    if (fault == EQ_FAULT_hash && offset) {
        eq_store_abort(&upload);
        return install_bytes(name, data, size); /* what an interrupted upload had left was damaged, and is gone now */
    }
    eq_store_abort(&upload);
    if (!fault) printf("%s: version %u installed\n", name, (unsigned)version);
    return report(name, fault);
}

static int install(const char *path, const char *wanted) {
    char name[256];
    struct stat info;
    stem(name, sizeof name, path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) || !S_ISREG(info.st_mode) || info.st_size == 0) {
        fprintf(stderr, "edgeq-agent: %s: %s\n", path, file < 0 ? strerror(errno) : "not a file with bytes in it");
        if (file >= 0) close(file);
        return 3;
    }
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (data == MAP_FAILED) return report(path, EQ_FAULT_memory);
    int code = install_bytes(wanted ? wanted : name, data, (size_t)info.st_size);
    munmap(data, (size_t)info.st_size);
    return code;
}

static void print_version(const char *name, const char *what, const struct eq_store_version *v) {
    printf("%s\t%s\t%u\t%llu\t", name, what, (unsigned)v->version, (unsigned long long)v->size);
    for (int i = 0; i < 32; i++) printf("%02x", v->sha256[i]);
    putchar('\n');
}

/* A line for a version, and what is wrong with its file. */
static int show_version(const char *name, const char *what, const struct eq_store_version *v) {
    print_version(name, what, v);
    int fault = eq_store_look(eq_port_store(), name, v);
    if (fault == EQ_FAULT_missing || fault == EQ_FAULT_corrupt) {
        fprintf(stderr, "edgeq-agent: %s: the file of version %u %s; install it again\n", name, (unsigned)v->version,
                fault == EQ_FAULT_missing ? "is missing" : "has another size than it was installed with");
        return eq_fault_exit_code(EQ_FAULT_corrupt);
    }
    return report(name, fault);
}

static int print_model(const char *name) {
    struct eq_store_state state;
    uint64_t bytes;
    uint32_t unfinished = eq_store_unfinished(eq_port_store(), name, &bytes);
    int fault = eq_store_read(eq_port_store(), name, &state);
    if (unfinished) printf("%s\tunfinished\t0\t%llu\t\n", name, (unsigned long long)bytes);
    if (fault) return unfinished && fault == EQ_FAULT_missing ? 0 : report(name, fault);
    int code = 0;
    for (uint32_t i = 0; i < state.count; i++) {
        int one = show_version(name, i == 0 ? "current" : i == 1 ? "previous" : "earlier", &state.versions[i]);
        if (!code) code = one;
    }
    return code;
}

static int status(const char *only) {
    char name[EQ_STORE_NAME];
    uint32_t i = 0;
    int code = 0, fault;
    if (only) return print_model(only);
    for (; (fault = eq_store_name(eq_port_store(), i, name, sizeof name)) == 0; i++) {
        int one = print_model(name);
        if (one) code = one;
    }
    if (fault != EQ_FAULT_missing) return report("store", fault);
    if (i == 0) {
        const char *root = eq_port_linux_root();
        fprintf(stderr, "edgeq-agent: no models in %s%s\n", root, access(root, F_OK) ? ", which does not exist" : "");
    }
    return code;
}

static int rollback(const char *name) {
    struct eq_store_state state;
    int fault = eq_store_rollback(eq_port_store(), name, 0, health, NULL, &state);
    if (!fault) printf("%s: version %u is current\n", name, (unsigned)state.versions[0].version);
    int code = report(name, fault);
    return fault == EQ_FAULT_corrupt || fault == EQ_FAULT_model || code == 5 ? 8 : code;
}

static int selftest(const char *name) {
    struct eq_store_model model;
    int fault = eq_store_open(&model, eq_port_store(), name, 0);
    if (!fault) fault = health(NULL, model.data, model.size);
    unsigned count = (unsigned)last_health.variants;
    if (!fault) printf("%s: version %u passed, %u variant%s\n", name, (unsigned)model.version.version, count, count == 1 ? "" : "s");
    if (model.data) eq_store_close(&model);
    return report(name, fault);
}

static int remove_model(const char *name) {
    int fault = eq_store_remove(eq_port_store(), name, 0);
    if (!fault) printf("%s: removed\n", name);
    return report(name, fault);
}

/* A line for each fact; what could be taken for another line or move a terminal is written as \\xNN. */
static int print_fact(void *context, const char *key, const char *value, size_t size) {
    (void)context;
    printf("%s\t", key);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)value[i];
        if (c == '\t' || (c >= 32 && c < 127)) putchar(c);
        else printf("\\x%02x", c);
    }
    putchar('\n');
    return 0;
}

static int probe(void) {
    struct eq_port_listener listener = {print_fact, NULL};
    return eq_port_probe(&listener) ? report("probe", EQ_FAULT_memory) : 0;
}

/* words[0] is the command; -1: not one, or with the wrong number of words. */
int eq_command_run(int count, char **words) {
    const char *command = words[0], *first = count > 1 ? words[1] : NULL, *second = count > 2 ? words[2] : NULL;
    if (!strcmp(command, "install") && (count == 2 || count == 3)) return install(first, second);
    if (!strcmp(command, "status") && count <= 2) return status(first);
    if (!strcmp(command, "rollback") && count == 2) return rollback(first);
    if (!strcmp(command, "selftest") && count == 2) return selftest(first);
    if (!strcmp(command, "probe") && count == 1) return probe();
    if (!strcmp(command, "remove") && count == 2) return remove_model(first);
    return -1;
}
