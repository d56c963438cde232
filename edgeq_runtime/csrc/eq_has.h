/* EQ_HAS(name): 1, or 0 in a build that defines EQ_WITHOUT_<name> as 1. What a firmware may leave out: an operator, a kernel
 * (<family>_<types>__<isa>), bench (timing single kernels), signing (signatures of files, enrolled keys), float_edges (inputs and outputs
 * of float32), crc_tables (a faster CRC-32C), files (a store on files), low_weights (weights of less than a byte), byte_rows (what kernels
 * of gemm and dwconv need that read rows of bytes). */
#ifndef EQ_HAS_H
#define EQ_HAS_H

#define EQ_HAS(name)                   EQ_HAS_(EQ_WITHOUT_##name)
#define EQ_HAS_(without)               EQ_HAS_WHERE(without)
#define EQ_HAS_WHERE(without)          EQ_SECOND(EQ_LEFT_OUT_##without 1, 1, )
#define EQ_LEFT_OUT_1                  , 0,
#define EQ_SECOND(...)                 EQ_SECOND_(__VA_ARGS__)
#define EQ_SECOND_(first, second, ...) second
#endif
