#ifndef EQ_FILE_H
#define EQ_FILE_H
#include "eq_reader.h"

/* Everything that SPEC.md 3.2 asks of the body; the hash has been checked. */
int eq_body_check(const struct eq_file *file);
#endif
