#ifndef EQ_FILE_H
#define EQ_FILE_H
#include "eq_reader.h"

/* Everything that SPEC.md 3.1 asks, the hash of the body included, of which nothing is read. The trailer lies behind file->body. */
int eq_container_check(struct eq_file *file, const void *data, size_t size);
/* Everything that SPEC.md 3.2 asks of the body; the hash has been checked. */
int eq_body_check(const struct eq_file *file);
#endif
