#include "eq.h"

const char *eq_status_text(int status) {
    switch (status) {
    case EQ_OK:
        return "no error";
    case EQ_ERR_TRUNCATED:
        return "the file is shorter than its own lengths say";
    case EQ_ERR_MAGIC:
        return "not an .eqm file";
    case EQ_ERR_VERSION:
        return "the file was written for a newer runtime";
    case EQ_ERR_CHECKSUM:
        return "the file is damaged: a checksum differs";
    case EQ_ERR_FORMAT:
        return "the body of the file is malformed: an offset, index or value is out of its range";
    case EQ_ERR_UNSUPPORTED:
        return "the model needs an operator or type that this build does not have";
    case EQ_ERR_SHAPE:
        return "shapes or attributes of an operator do not fit together";
    case EQ_ERR_ALIGNMENT:
        return "memory handed over, or a buffer in the file, is not aligned";
    case EQ_ERR_MEMORY:
        return "memory handed over is too small";
    case EQ_ERR_ARGUMENT:
        return "an argument has the wrong index, size or type";
    case EQ_ERR_SELFTEST:
        return "an output differs from the one that the file records";
    default:
        return "unknown status";
    }
}
