/* Installed models: versions under one root, one atomic switch, earlier versions kept. SPEC.md section 5 is the contract.
 * Every file operation goes through one table, so that tests can record them and cut the power after each.
 * Functions return 0 or an enum eq_fault (eq_message.h). */
#ifndef EQ_STORE_H
#define EQ_STORE_H
#include "../eq_has.h"
#include "../eq_hash.h"
#include "eq_message.h"

#define EQ_STORE_NAME 64u  /* bytes of a model name with its end */
#define EQ_STORE_PATH 160u /* of a path below the root */
#define EQ_STORE_KEEP 2u   /* versions kept where nobody says how many: the current and one to go back to */
#ifndef EQ_STORE_VERSIONS
#define EQ_STORE_VERSIONS 8u /* that are kept at most; a firmware for little RAM says fewer */
#endif

/* Paths are relative to the root, '/' between parts, "" the root itself. 0 is success, else an enum eq_fault unless said otherwise. */
struct eq_store_ops {
    void *context;
    /* For writing at the end; made when absent. A handle >= 0, or minus a fault. */
    int (*open)(void *context, const char *path);
    int (*write)(void *context, int file, const void *data, size_t size);
    int (*fsync)(void *context, int file);
    int (*close)(void *context, int file);
    int (*rename)(void *context, const char *from, const char *to);
    int (*unlink)(void *context, const char *path);
    int (*mkdir)(void *context, const char *path); /* 0 too when it exists */
    int (*rmdir)(void *context, const char *path);
    int (*fsync_dir)(void *context, const char *path);
    /* The name of entry `index` of a folder. 0, EQ_FAULT_missing past the last (or no such folder), or another fault. */
    int (*list)(void *context, const char *path, uint32_t index, char *name, size_t room);
    /* The bytes of a file, aligned to EQ_ALIGN, until unmap. */
    int (*map)(void *context, const char *path, const void **data, size_t *size);
    void (*unmap)(void *context, const void *data, size_t size);
    /* One program at a time changes the store; EQ_FAULT_busy at once when it is another. */
    int (*lock)(void *context);
    void (*unlock)(void *context);
    uint64_t (*free_bytes)(void *context);
    uint64_t (*time_ms)(void *context); /* since 1970 as the device knows it; 0: it does not */
};

struct eq_store_version {
    uint32_t version; /* 0: none */
    uint32_t place;   /* on flash: the offset of its bytes there */
    uint64_t size;
    uint8_t sha256[32]; /* of the whole file */
};
/* What is installed under a name. */
struct eq_store_state {
    uint32_t next;    /* number of the next version */
    uint32_t keep;    /* versions that stay at an install, 1 .. EQ_STORE_VERSIONS */
    uint32_t count;   /* of versions */
    uint64_t counter; /* the highest of a signed file that was ever committed under the name, and the file's SHA-256; 0: none was */
    uint8_t counter_sha256[32];
    /* The current one, then the others in the order in which a rollback takes them; zeros behind them. */
    struct eq_store_version versions[EQ_STORE_VERSIONS];
};

/* A change in progress. It holds the lock from eq_store_begin to eq_store_commit or eq_store_abort. */
struct eq_upload {
    const struct eq_store_ops *ops;
    char name[EQ_STORE_NAME];
#if EQ_HAS(files)
    char part[EQ_STORE_PATH]; /* the temporary file */
#endif
    struct eq_store_state state;
    struct eq_store_version wanted;
    uint64_t offset; /* bytes that are there */
    int file;        /* -1: closed */
    int checked;     /* complete, hashed, synced and admitted */
#if EQ_HAS(files)
    struct eq_sha256 hash; /* of what has come, while that begins at byte 0: then the file need not be read again */
#endif
    uint64_t counter; /* of a file whose signature was verified, else 0 */
};

/* Whether the file in `data` may be installed on `state`, decided before anything of its body is parsed: 0 and its counter, or a fault.
 * detail: more about the fault. */
typedef int (*eq_store_admit)(void *context, const struct eq_store_state *state, const struct eq_store_version *file, const void *data,
                              uint64_t *counter, int32_t *detail);

/* Runs the model in `data` where it lies; 0 or a fault. detail: more about the fault, for the log. */
typedef int (*eq_store_health)(void *context, const void *data, size_t size, int32_t *detail);

int eq_store_name_ok(const char *name);
/* The state of a model; EQ_FAULT_missing where it is not installed (the state is then the one to install on: after a removal, or where
 * the record was lost, it still has the counter; EQ_FAULT_counter: that was lost, too). Takes no lock: a record is replaced as a whole. */
int eq_store_read(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state);
int eq_store_path(char *path, const char *name, uint32_t version);
/* 0 where the file of a version is there with the size of the record, else EQ_FAULT_missing or EQ_FAULT_corrupt. It is not read. */
int eq_store_look(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version);
/* How many uploads of a model have not been installed, and their bytes. */
uint32_t eq_store_unfinished(const struct eq_store_ops *ops, const char *name, uint64_t *bytes);
/* Bytes of the unfinished upload of this very file, where a put would go on. Nothing is changed. */
uint64_t eq_store_offset(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *wanted);
/* Name of model `index` that is installed or has an unfinished upload, in no order; EQ_FAULT_missing past the last. */
int eq_store_name(const struct eq_store_ops *ops, uint32_t index, char *name, size_t room);

/* Also removes what earlier, interrupted changes left: of this model all but the upload to go on with. current = 1: this file is installed
 * already, nothing is to be done and the lock is free again. Else upload->offset is where to go on. */
int eq_store_begin(struct eq_upload *upload, const struct eq_store_ops *ops, const char *name, uint64_t size, const uint8_t sha256[32],
                   int *current);
int eq_store_write(struct eq_upload *upload, uint64_t offset, const void *data, size_t size);
/* All bytes are there: sync, compare the hash, ask admit (NULL: every file may be installed). EQ_FAULT_hash and what admit says removes
 * them. */
int eq_store_finish(struct eq_upload *upload, eq_store_admit admit, void *context, int32_t *detail);
/* Health check, then the switch; then the versions beyond `keep` (0: as the record says) go, and those that are damaged. On a fault the
 * model that ran before is in place, except for EQ_FAULT_rollback_failed. */
int eq_store_commit(struct eq_upload *upload, uint32_t keep, eq_store_health health, void *context, uint32_t *version);
void eq_store_abort(struct eq_upload *upload);

/* Make `version` (0: the next in the record) the current one after its health check; the one that it replaces is the next to go back to,
 * where it is not damaged. */
int eq_store_rollback(const struct eq_store_ops *ops, const char *name, uint32_t version, eq_store_health health, void *context,
                      struct eq_store_state *state);
/* One version that is not current, or (0) all and the unfinished uploads; there need be no version then. */
int eq_store_remove(const struct eq_store_ops *ops, const char *name, uint32_t version);
/* How many versions stay, from now on; those beyond it go. */
int eq_store_keep(const struct eq_store_ops *ops, const char *name, uint32_t keep, struct eq_store_state *state);

/* What has happened in the store, as its log says: at most 512 entries of 128 bytes in two files, of which the older makes way. An entry
 * that cannot be written, or was damaged, is missing, and nothing else. */
struct eq_store_event {
    uint32_t number; /* one more than that of the entry before, be that damaged or not */
    uint64_t time_ms;
    uint8_t event; /* enum eq_event */
    uint16_t fault;
    int32_t detail;     /* as in the message `error` */
    uint32_t version;   /* that was installed or removed, or is current now; 0: none, all, or it is about a key */
    uint32_t software;  /* of the agent: major << 16, minor << 8, patch */
    uint8_t sha256[32]; /* of the file, or of the key */
    char name[EQ_STORE_NAME];
};
/* Calls `seen` for every entry, the oldest first, until it returns other than 0, which is returned. A fault: a file of the log is there and
 * cannot be read; the entries of the other have been seen. */
int eq_store_log(const struct eq_store_ops *ops, int (*seen)(void *context, const struct eq_store_event *event), void *context);
/* Whether the last that the log says of this file is that it failed its health check under this version of the agent, but not for want of
 * time. */
int eq_store_failed_before(const struct eq_store_ops *ops, const uint8_t sha256[32]);

/* For applications: the installed version of a model, mapped. */
struct eq_store_model {
    const struct eq_store_ops *ops;
    char name[EQ_STORE_NAME];
    struct eq_store_version version;
    const void *data; /* give it to eq_file_check */
    size_t size;
};
int eq_store_open(struct eq_store_model *model, const struct eq_store_ops *ops, const char *name,
                  uint32_t version); /* 0: the current one */
/* Where another version is current by now: *changed = 1 and *fresh is it, mapped beside the old one, which stays valid until it is closed.
 */
int eq_store_refresh(const struct eq_store_model *model, struct eq_store_model *fresh, int *changed);
void eq_store_close(struct eq_store_model *model);

/* Between the files of the store. */
/* Into the log, under the lock; a failure is nobody's. version NULL: none. */
void eq_store_note(const struct eq_store_ops *ops, const char *name, int event, const struct eq_store_version *version, int fault,
                   int32_t detail);
/* The index of a version; state->count where it is not there. */
uint32_t eq_store_find(const struct eq_store_state *state, uint32_t version);
void eq_store_take_out(struct eq_store_state *state, uint32_t at);
int eq_store_same_file(const struct eq_store_version *a, const struct eq_store_version *b);
/* Into the log, but for a change that names nothing that is here: it did nothing. */
void eq_store_note_unless_absent(const struct eq_store_ops *ops, const char *name, int event, uint32_t version, int fault, int32_t detail);
/* Whether there is a record: of versions, or of the counter alone. */
int eq_store_recorded(const struct eq_store_state *state);
/* What the second place of the counter says, as a state without versions: 0 where it is not there, EQ_FAULT_counter where it is damaged. */
int eq_store_counter(const struct eq_store_ops *ops, const char *name, struct eq_store_state *state);
/* Make `fresh` the state. If that cannot be completed, put the old state back. */
int eq_store_switch(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *fresh, const struct eq_store_state *old);
/* Make the file `path` in `folder` these bytes, through the file `fresh` beside it. */
int eq_store_replace(const struct eq_store_ops *ops, const char *folder, const char *fresh, const char *path, const void *data,
                     size_t size);
/* Remove the record for good: a cut after it leaves no model. */
int eq_store_forget(const struct eq_store_ops *ops, const char *name);
/* The file of a version is not there or is not what the record says. */
int eq_store_damaged(const struct eq_store_ops *ops, const char *name, const struct eq_store_version *version);
int eq_store_verify(const struct eq_store_ops *ops, const char *path, const struct eq_store_version *version, eq_store_health health,
                    void *context, int32_t *detail);
/* What earlier, interrupted changes left in any model: unfinished uploads, too, so that the room comes back, but for the part `keep`. */
void eq_store_tidy(const struct eq_store_ops *ops, const char *keep);
int eq_store_clean(const struct eq_store_ops *ops, const char *name, const struct eq_store_state *state, const char *keep);
int eq_store_join(char *path, const char *name, const char *file);
int eq_store_part(char *path, const char *name, const uint8_t sha256[32]);
int eq_store_is_part(const char *file);

/* Files below a folder on a POSIX system (files_posix.c). root: absolute or relative, made when needed; at most 3000 bytes.
 * memory: the caller's; the table lives in it. */
struct eq_store_files {
    struct eq_store_ops ops;
    char root[3072];
    int lock;
};
const struct eq_store_ops *eq_store_files_init(struct eq_store_files *files, const char *root);
/* $EDGEQ_STORE, else $XDG_DATA_HOME/edgeq/local, else $HOME/.local/share/edgeq/local. 0, or EQ_FAULT_argument: none is set or fits. */
int eq_store_default_root(char *root, size_t room);
#endif
