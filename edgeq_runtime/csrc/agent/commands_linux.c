/* The store without a host, for update systems, USB sticks and timers. */
#include "commands_linux.h"
#include "../eq_hash.h"
#include "eq_trust.h"
#include "port_linux.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_MS   60000u /* for a self-test */
#define UNREADABLE 3      /* exit code: nothing was changed */

/* A health check with its limit, and what it found. */
struct check {
    uint32_t limit_ms;
    struct eq_health health;
};

static int run_check(void *context, const void *data, size_t size, int32_t *detail) {
    struct check *check = context;
    struct eq_port_info info;
    eq_port_info(&info);
    int fault = eq_agent_health(&check->health, data, size, info.isas, check->limit_ms, NULL, NULL);
    *detail = check->health.detail;
    return fault;
}

int eq_command_report(const char *what, int fault, int32_t detail) {
    if (!fault) return 0;
    if (fault == EQ_FAULT_no_store) what = eq_port_linux_root();
    fputs("edgeq-agent: ", stderr);
    for (; *what; what++) fputc((unsigned char)*what < ' ' || *what == 127 ? '?' : *what, stderr); /* it may be anything */
    fprintf(stderr, ": %s", eq_fault_text(fault));
    if (fault == EQ_FAULT_model) fprintf(stderr, ": %s", eq_status_text(detail));
    if (fault == EQ_FAULT_selftest_failed) fprintf(stderr, " (sample %d)", (int)detail);
    if (fault == EQ_FAULT_selftest_crashed) fprintf(stderr, " (signal %d)", (int)detail);
    fputc('\n', stderr);
    return eq_fault_exit_code(fault);
}

void eq_command_stem(char *out, size_t room, const char *path) {
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
    snprintf(out, room, "%.*s", dot && dot != start ? (int)(dot - start) : (int)strlen(start), start);
}

/* NAME or NAME@VERSION; 0 where what is behind the @ is no number of a version. */
static int split(char *name, size_t room, uint32_t *version, const char *word) {
    const char *at = strchr(word, '@');
    char *end;
    snprintf(name, room, "%.*s", at ? (int)(at - word) : (int)strlen(word), word);
    *version = 0;
    if (!at) return 1;
    errno = 0;
    unsigned long long number = strtoull(at + 1, &end, 10);
    *version = (uint32_t)number;
    return at[1] >= '0' && at[1] <= '9' && !*end && !errno && number && number <= UINT32_MAX;
}

static int already_here(const char *name, uint32_t version, uint32_t keep) {
    struct eq_store_state before, now;
    int fault = keep ? eq_store_read(eq_port_store(), name, &before) : 0;
    if (keep && !fault) fault = eq_store_keep(eq_port_store(), name, keep, &now);
    if (!fault) printf("%s: version %u is this file already\n", name, (unsigned)version);
    for (uint32_t i = keep; keep && !fault && i < before.count; i++)
        printf("%s: version %u removed\n", name, (unsigned)before.versions[i].version);
    return eq_command_report(name, fault, 0);
}

int eq_command_open(const char *path, uint64_t *size) {
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), failed = file < 0 || fstat(file, &info);
    if (!failed && S_ISREG(info.st_mode) && info.st_size > 0) {
        *size = (uint64_t)info.st_size;
        return file;
    }
    fprintf(stderr, "edgeq-agent: %s: %s\n", path, failed ? strerror(errno) : "not a file with bytes in it");
    if (file >= 0) close(file);
    return -1;
}

/* The file to install. It is read and not mapped: one that is cut short meanwhile (a stick that is pulled out) would end the agent. */
struct source {
    const char *path;
    int file;
    uint64_t size;
    uint8_t chunk[1 << 16];
};

/* The next bytes, in the chunk: how many, or 0 after saying why there are none. */
static size_t next(struct source *from, uint64_t at) {
    size_t wanted = from->size - at < sizeof from->chunk ? (size_t)(from->size - at) : sizeof from->chunk;
    ssize_t n;
    do n = pread(from->file, from->chunk, wanted, (off_t)at);
    while (n < 0 && errno == EINTR);
    if (n > 0) return (size_t)n;
    fprintf(stderr, "edgeq-agent: %s: %s\n", from->path, n < 0 ? strerror(errno) : "it was cut short while it was read");
    return 0;
}

/* 0, or -1 where it cannot be read. */
static int hash(struct source *from, uint8_t sha256[32]) {
    struct eq_sha256 sum;
    size_t n;
    eq_sha256_begin(&sum);
    for (uint64_t at = 0; at < from->size; at += n) {
        if (!(n = next(from, at))) return -1;
        eq_sha256_add(&sum, from->chunk, n);
    }
    eq_sha256_end(&sum, sha256);
    return 0;
}

/* 0, a fault, or -1 where it cannot be read: what has come is an upload to go on with. */
static int send(struct eq_upload *upload, struct source *from) {
    int fault = 0;
    while (!fault && upload->offset < from->size) {
        size_t n = next(from, upload->offset);
        fault = n ? eq_store_write(upload, upload->offset, from->chunk, n) : -1;
    }
    return fault;
}

static int install_as(const char *name, struct source *from, const struct eq_words *words) {
    struct check check = {words->limit_ms, {0}};
    struct eq_upload upload;
    uint8_t sha256[32];
    uint32_t version = 0;
    int current;
    if (hash(from, sha256)) return UNREADABLE;
    if (words->once && eq_store_failed_before(eq_port_store(), sha256)) return eq_command_report(name, EQ_FAULT_failed_before, 0);
    int fault = eq_store_begin(&upload, eq_port_store(), name, from->size, sha256, &current);
    if (fault) return eq_command_report(name, fault, 0);
    if (current) return already_here(name, upload.wanted.version, words->keep);
    uint64_t offset = upload.offset;
    fault = send(&upload, from);
    if (!fault) fault = eq_store_finish(&upload, eq_trust_admit, (void *)(uintptr_t)eq_port_store(), &check.health.detail);
    if (!fault) fault = eq_store_commit(&upload, words->keep, run_check, &check, &version);
    eq_store_abort(&upload);
    if (fault < 0) return UNREADABLE;
    if (fault == EQ_FAULT_hash && offset) return install_as(name, from, words); /* a damaged rest was there, and is gone now */
    if (!fault) printf("%s: version %u installed\n", name, (unsigned)version);
    return eq_command_report(name, fault, check.health.detail);
}

static int install(const struct eq_words *words) {
    static struct source from;
    char name[256];
    from.path = words->first;
    from.file = eq_command_open(from.path, &from.size);
    if (from.file < 0) return UNREADABLE;
    eq_command_stem(name, sizeof name, from.path);
    int code = install_as(words->second ? words->second : name, &from, words);
    close(from.file);
    return code;
}

static int rollback(const struct eq_words *words) {
    struct check check = {words->limit_ms, {0}};
    struct eq_store_state state;
    char name[256];
    uint32_t version;
    if (!split(name, sizeof name, &version, words->first)) return eq_command_report(words->first, EQ_FAULT_missing, 0);
    int fault = eq_store_rollback(eq_port_store(), name, version, run_check, &check, &state);
    if (!fault) printf("%s: version %u is current\n", name, (unsigned)state.versions[0].version);
    int code = eq_command_report(words->first, fault, check.health.detail);
    return fault == EQ_FAULT_corrupt || fault == EQ_FAULT_model || code == 5 ? 8 : code;
}

static int selftest(const struct eq_words *words) {
    struct check check = {words->limit_ms, {0}};
    struct eq_store_model model = {0};
    int32_t detail = 0;
    char name[256];
    uint32_t version;
    if (!split(name, sizeof name, &version, words->first)) return eq_command_report(words->first, EQ_FAULT_missing, 0);
    int fault = eq_store_open(&model, eq_port_store(), name, version);
    if (!fault) fault = run_check(&check, model.data, model.size, &detail);
    unsigned count = (unsigned)check.health.variants;
    if (!fault) printf("%s: version %u passed, %u variant%s\n", name, (unsigned)model.version.version, count, count == 1 ? "" : "s");
    if (model.data) eq_store_close(&model);
    return eq_command_report(words->first, fault, detail);
}

static int remove_model(const struct eq_words *words) {
    char name[256];
    uint32_t version;
    if (!split(name, sizeof name, &version, words->first)) return eq_command_report(words->first, EQ_FAULT_missing, 0);
    int fault = eq_store_remove(eq_port_store(), name, version);
    if (!fault) printf("%s: removed\n", words->first);
    return eq_command_report(words->first, fault, 0);
}

static const struct command {
    const char *name;
    int least, most; /* words */
    const char *options;
    int (*run)(const struct eq_words *words);
} commands[] = {
    {"install", 1, 2, "--keep --timeout --once", install},
    {"status", 0, 1, "--json", eq_command_status},
    {"log", 0, 1, "--json", eq_command_log},
    {"rollback", 1, 1, "--timeout", rollback},
    {"selftest", 1, 1, "--timeout", selftest},
    {"remove", 1, 1, "", remove_model},
    {"keys", 0, 0, "", eq_command_keys},
    {"enroll", 1, 2, "", eq_command_enroll},
    {"probe", 0, 0, "", eq_command_probe},
};

/* Whether a list of options, with blanks between, has this one. */
static int has(const char *options, const char *word) {
    size_t n = strlen(word), size;
    for (; (size = strcspn(options, " ")); options += size, options += *options == ' ')
        if (size == n && !memcmp(options, word, n)) return 1;
    return 0;
}

/* An option and its value: how many words they are; 0 where they are wrong. */
static int take_option(struct eq_words *words, const struct command *command, char **at, int left) {
    char *end = "";
    if (!has(command->options, at[0])) return 0;
    if (!strcmp(at[0], "--once")) words->once = 1;
    if (!strcmp(at[0], "--json")) words->json = 1;
    if (strcmp(at[0], "--keep") && strcmp(at[0], "--timeout")) return 1;
    double value = left > 1 ? strtod(at[1], &end) : 0;
    if (*end || !(value > 0)) return 0;
    if (!strcmp(at[0], "--timeout")) words->limit_ms = value < 4e6 ? (uint32_t)(value * 1000) + 1 : UINT32_MAX;
    else words->keep = value <= EQ_STORE_VERSIONS ? (uint32_t)value : 0;
    return !strcmp(at[0], "--keep") && words->keep != value ? 0 : 2;
}

/* A reader that has left (`edgeq-agent log | head`), or an output that the caller has closed, changes nothing of how the command ends. */
static int nobody_reads(void) {
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

int eq_command_ended(int code) {
    int failed = fflush(stdout) || ferror(stdout);
    if (!failed || nobody_reads()) return code;
    fputs("edgeq-agent: the output cannot be written; what the command does is done\n", stderr);
    return code ? code : 2;
}

/* words[0] is the command; -1: not one, or with other words or options than it takes. */
int eq_command_run(int count, char **words) {
    struct eq_words given = {.limit_ms = LIMIT_MS};
    const struct command *command = commands, *end = commands + sizeof commands / sizeof *commands;
    int n = 0;
    while (command < end && strcmp(command->name, words[0])) command++;
    for (int i = 1, used; command < end && i < count; i += used) {
        used = 1;
        if (words[i][0] == '-') used = take_option(&given, command, words + i, count - i);
        else if (n++ == 0) given.first = words[i];
        else given.second = words[i];
        if (!used) return -1;
    }
    return command < end && n >= command->least && n <= command->most ? eq_command_ended(command->run(&given)) : -1;
}
