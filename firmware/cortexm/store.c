/* The store of a chip: on the part of its flash that the board gives. */
#include "cortexm.h"

static struct eq_flash_store store;

void eq_store_start(void) { (void)eq_flash_store_init(&store, &eq_board_flash); }

const struct eq_store_ops *eq_port_store(void) { return &store.ops; }
