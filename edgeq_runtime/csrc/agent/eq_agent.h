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

/* A message that came, read. */
union eq_agent_message {
#define EQ_MESSAGE(id, name, fields) struct eq_msg_##name name;
#include "protocol.def"
};

struct eq_agent {
    struct eq_port_info info;
    struct eq_link *link;
    uint8_t *frame, *body; /* bytes in or a frame out; a message that came */
    size_t frame_room;
    uint8_t head[EQ_MESSAGE_HEAD];
    size_t head_fill, body_fill;
    union eq_agent_message message; /* of the body: what a command is asked */
    int ended;                      /* the stream, for good */
    uint32_t alive_ms;              /* the last sign of life */
    uint32_t baud;                  /* of the line */
    uint32_t quiet_ms;              /* without a good frame, before the line goes back to EQ_LINE_BAUD */
    uint32_t quiet_confirmed_ms;
    uint32_t heard_ms;  /* when the last good frame had come, as eq_agent_waited saw it */
    uint64_t waited_ns; /* for the next */
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

/* The commands of a host, each with a handler that returns 0 or a fault, which is sent as `error`. F: with fields, S: without. */
#define EQ_COMMANDS(F, S)         EQ_COMMANDS_STORE(F, S) EQ_COMMANDS_MODEL(F, S) EQ_COMMANDS_LINE(F, S)
#define EQ_COMMANDS_STORE(F, S)   S(info) S(probe) F(put) F(seek) F(data) S(end) F(commit) F(list) S(log) F(remove) F(rollback)
#define EQ_COMMANDS_MODEL(F, S)   F(check_kernel) F(selftest) F(open) S(layers) F(input) F(infer) S(close) F(origin) F(profile)
#define EQ_COMMANDS_LINE(F, S)    S(line_speeds) F(line_speed) F(confirm)
#define EQ_COMMANDS_BENCH(F, S)   F(bench)
#define EQ_COMMANDS_SIGNING(F, S) F(keys) S(challenge) F(enroll) F(revoke)
#define EQ_DECLARE(name)          int eq_agent_##name(struct eq_agent *agent);
EQ_COMMANDS(EQ_DECLARE, EQ_DECLARE)
EQ_COMMANDS_BENCH(EQ_DECLARE, EQ_DECLARE)
EQ_COMMANDS_SIGNING(EQ_DECLARE, EQ_DECLARE)
#undef EQ_DECLARE
/* Begins a handler; `message` is what was asked. */
#define EQ_HANDLER(name)                                                                                                                   \
    static inline int answer_##name(struct eq_agent *agent, const struct eq_msg_##name *message);                                          \
    int eq_agent_##name(struct eq_agent *agent) { return answer_##name(agent, &agent->message.name); }                                     \
    static inline int answer_##name(struct eq_agent *agent, const struct eq_msg_##name *message)
#define EQ_HANDLER_PLAIN(name) int eq_agent_##name(struct eq_agent *agent)

/* Send one message; -1 where the host is gone or began anew: the handler returns at once. */
int eq_agent_send(struct eq_agent *agent, uint16_t id, const uint16_t *fields, const void *message);
int eq_agent_done(struct eq_agent *agent); /* `done` */
#define EQ_SEND(agent, name, ...)    eq_agent_send_##name(agent, &(struct eq_msg_##name){__VA_ARGS__})
#define EQ_MESSAGE(id, name, fields) int eq_agent_send_##name(struct eq_agent *agent, const struct eq_msg_##name *message);
#include "protocol.def"
/* Move bytes for at most wait_ms. 0, or -1 as above. */
int eq_agent_pump(struct eq_agent *agent, uint32_t wait_ms);
/* The next complete message: its id, 0 where none is there yet. */
uint16_t eq_agent_next(struct eq_agent *agent, struct eq_bytes *body);
/* The agent has waited for the host since then, and did nothing else: too long, and a line that was made faster is as at the start. */
void eq_agent_waited(struct eq_agent *agent, uint64_t since_ns);
/* Between two steps of long work: stop, or anything else, ends it (1); -1 as above. It shows that the agent lives. */
int eq_agent_stopped(struct eq_agent *agent);
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

/* Memory of an agent with such limits, aligned to EQ_ALIGN. */
#define EQ_AGENT_LINK_AT                         EQ_LINK_ALIGN(sizeof(struct eq_agent))
#define EQ_AGENT_FRAME_AT(payload, window)       (EQ_AGENT_LINK_AT + EQ_LINK_BYTES(payload, window))
#define EQ_AGENT_BODY_AT(payload, window)        (EQ_AGENT_FRAME_AT(payload, window) + EQ_LINK_ALIGN(EQ_FRAME_BOUND(payload)))
#define EQ_AGENT_BYTES(payload, window, message) (EQ_AGENT_BODY_AT(payload, window) + EQ_LINK_ALIGN(message))
/* Serve hosts in that memory, which holds zeros, until the stream ends. 0, or a fault that kept it from starting. */
int eq_agent_serve_in(void *memory);
#endif
