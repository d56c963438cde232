/* From reset to main, on an emulated Cortex-M: QEMU has loaded .data where it belongs, and memory is 0. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { GET_COMMAND_LINE = 0x15, LENGTH = 4096, WORDS = 64 };

extern uint32_t stack_top[];
int main(int argc, char **argv);
void initialise_monitor_handles(void); /* of newlib: standard output by semihosting */
void reset(void);

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {stack_top, (void *)reset};

static void ask(uint32_t what, void *argument) {
    register uint32_t operation __asm("r0") = what;
    register void *block __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(operation) : "r"(block) : "memory");
}

/* The words of the command line that QEMU was given. */
static int words(char **argv) {
    static char line[LENGTH];
    struct {
        char *text;
        uint32_t size;
    } block = {line, sizeof line};
    int argc = 0;
    ask(GET_COMMAND_LINE, &block);
    for (char *word = strtok(line, " "); word && argc < WORDS; word = strtok(NULL, " ")) argv[argc++] = word;
    return argc;
}

void reset(void) {
    char *argv[WORDS];
#if __ARM_FP
    *(volatile uint32_t *)0xe000ed88 |= 0xf << 20; /* CPACR: coprocessors 10 and 11 */
    __asm volatile("dsb\n\tisb" ::: "memory");
#endif
    initialise_monitor_handles();
    exit(main(words(argv), argv));
}
