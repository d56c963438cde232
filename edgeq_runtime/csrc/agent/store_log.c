/* The log: fixed records with a checksum in two files, LOG the one that is written and OLD the one before. A report never decides about a
 * change: every failure here is passed over. */
#include "../eq_hash.h"
#include "eq_frame.h"
#include "eq_store.h"
#include <string.h>

#define LOG         ".log"
#define OLD         ".log.old"
#define RECORD_SIZE 128u
#define FILE_SIZE   (256u * RECORD_SIZE)

static void encode(uint8_t record[RECORD_SIZE], const struct eq_store_event *e) {
    memset(record, 0, RECORD_SIZE);
    eq_store_u32(record, e->number);
    eq_store_u32(record + 4, e->software);
    eq_store_u64(record + 8, e->time_ms);
    eq_store_u32(record + 16, e->version);
    eq_store_u32(record + 20, (uint32_t)e->detail);
    eq_store_u16(record + 24, e->fault);
    record[26] = e->event;
    memcpy(record + 28, e->sha256, 32);
    memcpy(record + 60, e->name, EQ_STORE_NAME);
    eq_store_u32(record + 124, eq_crc32c(0, record, 124));
}

/* 0 where the record is damaged. */
static int decode(struct eq_store_event *e, const uint8_t record[RECORD_SIZE]) {
    if (eq_load_u32(record + 124) != eq_crc32c(0, record, 124) || record[60 + EQ_STORE_NAME - 1]) return 0;
    e->number = eq_load_u32(record);
    e->software = eq_load_u32(record + 4);
    e->time_ms = eq_load_u64(record + 8);
    e->version = eq_load_u32(record + 16);
    e->detail = (int32_t)eq_load_u32(record + 20);
    e->fault = eq_load_u16(record + 24);
    e->event = record[26];
    memcpy(e->sha256, record + 28, 32);
    memcpy(e->name, record + 60, EQ_STORE_NAME);
    return eq_store_name_ok(e->name);
}

/* Who looks at the entries. event NULL: here is one that is damaged. */
struct reader {
    int (*seen)(void *context, const struct eq_store_event *event);
    void *context;
    int fault; /* the first file that cannot be read */
};

static int read_file(const struct eq_store_ops *ops, const char *path, struct reader *reader) {
    struct eq_store_event event;
    const void *data;
    size_t size;
    int result = 0, fault = ops->map(ops->context, path, &data, &size);
    if (fault && fault != EQ_FAULT_missing && !reader->fault) reader->fault = fault;
    if (fault) return 0;
    for (size_t at = 0; !result && at < size && at < FILE_SIZE; at += RECORD_SIZE) {
        int sound = size - at >= RECORD_SIZE && decode(&event, (const uint8_t *)data + at);
        result = reader->seen(reader->context, sound ? &event : NULL);
    }
    ops->unmap(ops->context, data, size);
    return result;
}

static int read_all(const struct eq_store_ops *ops, struct reader *reader) {
    int result = read_file(ops, OLD, reader);
    if (!result) result = read_file(ops, LOG, reader);
    return result ? result : reader->fault;
}

static int skip_damaged(void *context, const struct eq_store_event *event) {
    const struct reader *to = context;
    return event ? to->seen(to->context, event) : 0;
}

int eq_store_log(const struct eq_store_ops *ops, int (*seen)(void *context, const struct eq_store_event *event), void *context) {
    struct reader to = {seen, context, 0}, reader = {skip_damaged, &to, 0};
    return read_all(ops, &reader);
}

/* A damaged entry had a number, too. */
static int last_number(void *context, const struct eq_store_event *event) {
    uint32_t *number = context;
    *number = event ? event->number : *number + 1;
    return 0;
}

/* Behind the last whole record: what a power cut has torn is filled up, so that it costs itself alone. size: of the file now. */
static int append(const struct eq_store_ops *ops, const struct eq_store_event *event, size_t size) {
    uint8_t bytes[2 * RECORD_SIZE] = {0};
    size_t fill = (RECORD_SIZE - size % RECORD_SIZE) % RECORD_SIZE;
    encode(bytes + fill, event);
    int file = ops->open(ops->context, LOG);
    if (file < 0) return -file;
    int err = ops->write(ops->context, file, bytes, fill + RECORD_SIZE);
    if (!err) err = ops->fsync(ops->context, file);
    (void)ops->close(ops->context, file);
    return err || size ? err : ops->fsync_dir(ops->context, "");
}

void eq_store_note(const struct eq_store_ops *ops, const char *name, int event, const struct eq_store_version *version, int fault,
                   int32_t detail) {
    struct eq_store_event e = {0, ops->time_ms(ops->context), (uint8_t)event, (uint16_t)fault, detail, 0, EQ_VERSION_NUMBER, {0}, {0}};
    const void *data;
    size_t size = 0;
    memcpy(e.name, name, strlen(name));
    if (version) {
        e.version = version->version;
        memcpy(e.sha256, version->sha256, 32);
    }
    struct reader reader = {last_number, &e.number, 0};
    (void)read_all(ops, &reader);
    e.number++;
    if (!ops->map(ops->context, LOG, &data, &size)) ops->unmap(ops->context, data, size);
    if (size >= FILE_SIZE) {
        if (ops->rename(ops->context, LOG, OLD) || ops->fsync_dir(ops->context, "")) return;
        size = 0;
    }
    (void)append(ops, &e, size);
}

struct file {
    const uint8_t *sha256;
    int failed;
};

static int outcome(void *context, const struct eq_store_event *event) {
    struct file *file = context;
    if (memcmp(event->sha256, file->sha256, 32)) return 0;
    int check = event->fault == EQ_FAULT_model || event->fault == EQ_FAULT_selftest_failed || event->fault == EQ_FAULT_selftest_crashed;
    if (event->event == EQ_EVENT_installed) file->failed = 0;
    if (event->event == EQ_EVENT_install_failed && check && event->software == EQ_VERSION_NUMBER) file->failed = 1;
    return 0;
}

int eq_store_failed_before(const struct eq_store_ops *ops, const uint8_t sha256[32]) {
    struct file file = {sha256, 0};
    (void)eq_store_log(ops, outcome, &file);
    return file.failed;
}
