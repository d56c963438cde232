/* Shared by the files of the agent's own commands. */
#ifndef COMMANDS_LINUX_H
#define COMMANDS_LINUX_H
#include "eq_agent.h"

/* The words behind a command, and its options. */
struct eq_words {
    const char *first, *second; /* NULL where they are not given */
    uint32_t keep, limit_ms;
    int once, json;
};

/* Say what went wrong, with more about a health check; the exit code. */
int eq_command_report(const char *what, int fault, int32_t detail);
int eq_command_status(const struct eq_words *words);
int eq_command_log(const struct eq_words *words);
int eq_command_probe(const struct eq_words *words);
int eq_command_keys(const struct eq_words *words);
int eq_command_enroll(const struct eq_words *words);
/* A regular file with bytes in it, and how many; -1 after saying what is wrong. It does not wait for anybody. */
int eq_command_open(const char *path, uint64_t *size);
/* Where the output cannot be written say so; the exit code. code: the command's own. */
int eq_command_ended(int code);
/* The name of a file without its folder and its last suffix. */
void eq_command_stem(char *out, size_t room, const char *path);
#endif
