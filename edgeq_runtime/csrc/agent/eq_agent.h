/* Shared by the files of the agent. */
#ifndef EQ_AGENT_H
#define EQ_AGENT_H
#include "../eq.h"
#include "eq_port.h"

/* What a health check found. */
struct eq_health {
    int fault;
    int32_t detail; /* eq_status, failing sample or signal */
    uint32_t variants;
};

struct eq_agent_input {
    uint8_t *data;
    uint64_t room, filled;
    uint8_t type;
};

/* One open model. */
struct eq_agent_model {
    struct eq_store_model stored; /* data NULL: it was sent to memory */
    struct eq_file file;
    struct eq_plan plan;
    struct eq_model *model; /* NULL: none is open */
    void *memory, *arena;
    const struct eq_workers *workers; /* NULL: the agent's own thread alone */
    struct eq_agent_input *inputs;
    int input_fault;  /* the first since the last infer */
    uint8_t *output;  /* room for the largest */
    uint64_t *layers; /* of the last profiled run: ticks, then ns */
};

struct eq_agent {
    struct eq_port_info info;
    struct eq_link *link;
    uint8_t *frame, *chunk, *body; /* one frame out, bytes in, one message */
    size_t frame_room;
    uint8_t head[EQ_MESSAGE_HEAD];
    size_t head_fill, body_fill;
    int ended;         /* the stream, for good */
    uint32_t alive_ms; /* the last sign of life */
    int32_t detail;
    struct eq_upload upload;
    int put_target;  /* enum eq_put_target while one goes on, else 0 */
    int put_failed;  /* reported; the rest of the upload is passed over */
    int put_current; /* the file of the last put is installed already: a commit of it may change how many versions stay */
    uint8_t *loaded;
    uint64_t loaded_size, loaded_fill;
    eq_wire_hash loaded_sha256;
    int loaded_ok;
    uint8_t nonce[32]; /* of the last challenge, until it is used */
    int nonce_ok;
    struct eq_agent_model model;
};
/* A row of kernels.def. built: in this program. */
struct eq_agent_kernel {
    char name[64]; /* <family>_<types>__<isa> */
    uint8_t isa, built;
};
int eq_agent_kernel(size_t index, struct eq_agent_kernel *kernel); /* 0: there is no such row */

enum eq_put_target { EQ_PUT_STORE = 1, EQ_PUT_MEMORY = 2 };

enum eq_origin_what { EQ_ORIGIN_RECIPE = 1, EQ_ORIGIN_IMPORT_OPTIONS = 2 };

/* Every handler gets the fields and returns 0 or a fault, which is sent as `error`. */
#define EQ_HANDLER(name)       int eq_agent_##name(struct eq_agent *agent, const struct eq_msg_##name *message)
#define EQ_HANDLER_PLAIN(name) int eq_agent_##name(struct eq_agent *agent)
EQ_HANDLER_PLAIN(info);
EQ_HANDLER_PLAIN(probe);
EQ_HANDLER(check_kernel);
EQ_HANDLER(put);
EQ_HANDLER(seek);
EQ_HANDLER(data);
EQ_HANDLER_PLAIN(end);
EQ_HANDLER(commit);
EQ_HANDLER(list);
EQ_HANDLER_PLAIN(log);
EQ_HANDLER(remove);
EQ_HANDLER(rollback);
EQ_HANDLER(selftest);
EQ_HANDLER(open);
EQ_HANDLER_PLAIN(layers);
EQ_HANDLER(input);
EQ_HANDLER(infer);
EQ_HANDLER_PLAIN(close);
EQ_HANDLER(origin);
EQ_HANDLER(profile);
EQ_HANDLER(bench);
EQ_HANDLER(keys);
EQ_HANDLER_PLAIN(challenge);
EQ_HANDLER(enroll);
EQ_HANDLER(revoke);

/* Send one message; -1 where the host is gone or began anew: the handler returns at once. */
int eq_agent_send(struct eq_agent *agent, uint16_t id, const void *body, size_t size);
#define EQ_SEND(agent, name, ...)    eq_agent_send_##name(agent, &(struct eq_msg_##name){__VA_ARGS__})
#define EQ_MESSAGE(id, name, fields) int eq_agent_send_##name(struct eq_agent *agent, const struct eq_msg_##name *message);
#include "protocol.def"
/* Move bytes for at most wait_ms. 0, or -1 as above. */
int eq_agent_pump(struct eq_agent *agent, uint32_t wait_ms);
/* The next complete message: its id, 0 where none is there yet. */
uint16_t eq_agent_next(struct eq_agent *agent, struct eq_bytes *body);
/* Between two steps of long work: stop, or anything else, ends it (1); -1 as above. It shows that the agent lives. */
int eq_agent_stopped(struct eq_agent *agent);
uint32_t eq_agent_now_ms(void);
/* Called often while a command works: a sign of life, about twice a second. context: the agent. Not 0: the host was found to be gone. */
int eq_agent_alive(void *context);
/* Whether the host has ended the stream, or begun another session, by now: it no longer waits for what the command does. */
int eq_agent_gone(struct eq_agent *agent);

/* The type of the tensor inside an input or output. */
int eq_agent_inner(const struct eq_model *model, int output, int index);
/* The same where its integers may be handed over as they are; else 0. */
int eq_agent_integers(const struct eq_model *model, int output, int index);
/* Check the file, and run the self-test of every variant, guarded. */
int eq_agent_health(struct eq_health *health, const void *data, size_t size, uint32_t isas, uint32_t limit_ms, int (*alive)(void *),
                    void *context);
void eq_agent_drop_upload(struct eq_agent *agent);
void eq_agent_drop_loaded(struct eq_agent *agent);
void eq_agent_drop_model(struct eq_agent *agent);
#endif
