/* Memory of the self-test on an operating system. */
#include "selftest.h"
#include <sys/mman.h>
#include <unistd.h>

uint8_t *guarded(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + ROOM, page, PROT_NONE) != 0) {
        perror("selftest: guarded memory");
        exit(2);
    }
    return memory + ROOM;
}
