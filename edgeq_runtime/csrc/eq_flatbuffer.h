/* A FlatBuffer read with every access checked: nothing outside the body is touched, whatever it holds.
 * Functions that can fail return an eq_status: EQ_OK or EQ_ERR_FORMAT. An absent field is not an error: it is the default, or an empty
 * vector. */
#ifndef EQ_FLATBUFFER_H
#define EQ_FLATBUFFER_H
#include "eq.h"

struct eq_body {
    const uint8_t *data;
    size_t size; /* < 2^31 */
};

struct eq_table {
    const uint8_t *vtable; /* its entries, after the two sizes */
    uint32_t at;           /* of the table in the body */
    uint16_t fields;       /* entries of the vtable */
    uint16_t size;         /* of the table, bytes */
};

struct eq_vector {
    const uint8_t *data; /* NULL: the field is absent */
    uint32_t at;         /* of the first element in the body */
    uint32_t count;
};

int eq_body_root(const struct eq_body *body, struct eq_table *root);

/* Scalars. field: place in the schema's table. */
int eq_table_u8(const struct eq_body *body, const struct eq_table *table, int field, uint8_t absent, uint8_t *value);
int eq_table_u16(const struct eq_body *body, const struct eq_table *table, int field, uint16_t *value);
int eq_table_u32(const struct eq_body *body, const struct eq_table *table, int field, uint32_t absent, uint32_t *value);

int eq_table_has(const struct eq_table *table, int field);
int eq_table_table(const struct eq_body *body, const struct eq_table *table, int field, struct eq_table *child); /* absent: an error */
int eq_table_string(const struct eq_body *body, const struct eq_table *table, int field, const char **text);     /* absent: "" */
/* A vector of elements of 1 or 4 bytes; tables are elements of 4 bytes, for eq_vector_table. */
int eq_table_vector(const struct eq_body *body, const struct eq_table *table, int field, uint32_t element, struct eq_vector *vector);
int eq_vector_table(const struct eq_body *body, const struct eq_vector *vector, uint32_t index, struct eq_table *child);
#endif
