/* status, log and probe: what is installed, what has happened and what the machine is; a line each, (--json) for scripts. */
#include "commands_linux.h"
#include "port_linux.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_hash(const uint8_t sha256[32]) {
    for (int i = 0; i < 32; i++) printf("%02x", sha256[i]);
}

static void print_version(const char *name, const char *what, const struct eq_store_version *v) {
    printf("%s\t%s\t%" PRIu32 "\t%" PRIu64 "\t", name, what, v->version, v->size);
    print_hash(v->sha256);
    putchar('\n');
}

/* What is wrong with the file of a version, on stderr; the exit code. */
static int look_at(const char *name, const struct eq_store_version *v) {
    int fault = eq_store_look(eq_port_store(), name, v);
    if (fault != EQ_FAULT_missing && fault != EQ_FAULT_corrupt) return eq_command_report(name, fault, 0);
    fprintf(stderr, "edgeq-agent: %s: the file of version %" PRIu32 " %s; install it again\n", name, v->version,
            fault == EQ_FAULT_missing ? "is missing" : "has another size than it was installed with");
    return eq_fault_exit_code(EQ_FAULT_corrupt);
}

static void print_json(const char *name, const struct eq_store_state *s, uint64_t unfinished) {
    printf("{\"name\": \"%s\", \"version\": %" PRIu32 ", \"keep\": %" PRIu32 ", \"unfinished\": %" PRIu64 ", \"versions\": [", name,
           s->versions[0].version, s->keep, unfinished);
    for (uint32_t i = 0; i < s->count; i++) {
        printf("%s{\"version\": %" PRIu32 ", \"bytes\": %" PRIu64 ", \"sha256\": \"", i ? ", " : "", s->versions[i].version,
               s->versions[i].size);
        print_hash(s->versions[i].sha256);
        fputs("\"}", stdout);
    }
    puts("]}");
}

static int print_model(const char *name, int json) {
    struct eq_store_state state;
    uint64_t bytes;
    uint32_t unfinished = eq_store_unfinished(eq_port_store(), name, &bytes);
    int fault = eq_store_read(eq_port_store(), name, &state), code = 0;
    if (fault && !(unfinished && fault == EQ_FAULT_missing)) return eq_command_report(name, fault, 0);
    if (json) print_json(name, &state, bytes);
    else if (unfinished) printf("%s\tunfinished\t0\t%" PRIu64 "\t\n", name, bytes);
    for (uint32_t i = 0; i < state.count; i++) {
        if (!json) print_version(name, i == 0 ? "current" : i == 1 ? "previous" : "earlier", &state.versions[i]);
        int one = look_at(name, &state.versions[i]);
        if (!code) code = one;
    }
    return code;
}

int eq_command_status(const struct eq_words *words) {
    char name[EQ_STORE_NAME];
    uint32_t i = 0;
    int code = 0, fault;
    if (words->first) return print_model(words->first, words->json);
    for (; (fault = eq_store_name(eq_port_store(), i, name, sizeof name)) == 0; i++) {
        int one = print_model(name, words->json);
        if (one) code = one;
    }
    if (fault != EQ_FAULT_missing) return eq_command_report("store", fault, 0);
    if (i == 0) {
        const char *root = eq_port_linux_root();
        fprintf(stderr, "edgeq-agent: no models in %s%s\n", root, access(root, F_OK) ? ", which does not exist" : "");
    }
    return code;
}

/* ISO 8601 in UTC, "-" where the device did not know. */
static const char *time_text(uint64_t time_ms, char out[32]) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (!time_ms || !gmtime_r(&seconds, &parts) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)) return "-";
    return out;
}

static int print_event(void *context, const struct eq_store_event *e) {
    const struct eq_words *words = context;
    const char *fault = e->fault ? eq_fault_text(e->fault) : "", *event = eq_event_text(e->event);
    char when[32];
    if (words->first && strcmp(words->first, e->name)) return 0;
    if (!words->json) {
        printf("%" PRIu32 "\t%s\t%s\t%" PRIu32 "\t%s\t%s\n", e->number, time_text(e->time_ms, when), e->name, e->version, event, fault);
        return 0;
    }
    printf("{\"number\": %" PRIu32 ", \"time\": \"%s\", \"name\": \"%s\", \"version\": %" PRIu32 ", \"event\": \"%s\", \"fault\": \"%s\", ",
           e->number, time_text(e->time_ms, when), e->name, e->version, event, fault);
    printf("\"detail\": %" PRId32 ", \"agent\": \"%u.%u.%u\", \"sha256\": \"", e->detail, (unsigned)(e->software >> 16),
           (unsigned)(e->software >> 8 & 255), (unsigned)(e->software & 255));
    print_hash(e->sha256);
    puts("\"}");
    return 0;
}

int eq_command_log(const struct eq_words *words) {
    if (words->first && !eq_store_name_ok(words->first)) return eq_command_report(words->first, EQ_FAULT_name, 0);
    return eq_command_report("the log", eq_store_log(eq_port_store(), print_event, (void *)(uintptr_t)words), 0);
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

int eq_command_probe(const struct eq_words *words) {
    struct eq_port_listener listener = {print_fact, NULL};
    (void)words;
    return eq_port_probe(&listener) ? eq_command_report("probe", EQ_FAULT_memory, 0) : 0;
}
