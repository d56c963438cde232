/* edgeq-agent: without a command it serves the host at its standard input and output; with one it works on the store alone. */
#include "../eq.h"
#include "../selftest/check.h"
#include "commands_linux.h"
#include "eq_port.h"
#include "port_linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: edgeq-agent [--root FOLDER] [COMMAND]\n"
    "  (none)                     serve a host at standard input and output\n"
    "  install FILE [NAME]        install a model; NAME defaults to the file's stem\n"
    "      --keep N               versions that stay, 1 to 8 (default: as before, at first 2)\n"
    "      --once                 not a file again that failed its self-test here before\n"
    "  status [NAME]              what is installed (--json: a document a line)\n"
    "  log [NAME]                 what has happened (--json)\n"
    "  rollback NAME[@VERSION]    back to the previous version, or to one that was kept\n"
    "  selftest NAME[@VERSION]    run the self-test of the installed version\n"
    "  remove NAME[@VERSION]      remove a model and its versions, or one that is not current\n"
    "  keys                       the enrolled keys\n"
    "  enroll FILE [NAME]         enroll the first key, from its .pub file: only signed files are installed then\n"
    "  probe                      what this machine is; reads only\n"
    "  --timeout SECONDS          for the self-test of install, rollback and selftest (default 60)\n"
    "  --root FOLDER              the store (default: $EDGEQ_STORE, $XDG_DATA_HOME/edgeq/local or ~/.local/share/edgeq/local)\n"
    "  $EDGEQ_ISA                 instruction sets to use, with commas (default: all that the processor has)\n"
    "exit: 0 ok, 2 usage, 3 refused, nothing changed, 5 health check failed, the old version runs, 6 signature, 8 rollback failed\n";

static int say(const char *text) {
    fputs(text, stdout);
    return eq_command_ended(0);
}

int main(int count, char **words) {
    const char *root = NULL;
    int at = 1;
    if (at < count && (!strcmp(words[at], "--help") || !strcmp(words[at], "-h"))) return say(usage);
    if (at < count && !strcmp(words[at], "--version")) return say("edgeq-agent " EQ_VERSION_TEXT "\n");
    if (at + 1 < count && !strcmp(words[at], "--root")) root = words[at + 1], at += 2;
    const char *unknown = eq_port_linux_isas(getenv("EDGEQ_ISA"));
    if (unknown) {
        fprintf(stderr, "edgeq-agent: EDGEQ_ISA names %s, which this agent does not have: it has", unknown);
        for (unsigned i = 0; i < EQ_ISA_COUNT; i++)
            if (eq_cpu_isas() >> i & 1) fprintf(stderr, " %s", eq_isa_name(i));
        fputc('\n', stderr);
        return 2;
    }
    int fault = eq_port_linux_init(root);
    if (fault) {
        fputs("edgeq-agent: no store: set EDGEQ_STORE, XDG_DATA_HOME or HOME to a folder of at most 3000 bytes, or give --root\n", stderr);
        return 2;
    }
    if (at < count) {
        int code = eq_command_run(count - at, words + at);
        if (code < 0) fputs(usage, stderr);
        return code < 0 ? 2 : code;
    }
    eq_port_linux_checks(eq_kernel_check);
    fault = eq_agent_serve();
    if (fault) fprintf(stderr, "edgeq-agent: %s\n", eq_fault_text(fault));
    return eq_fault_exit_code(fault);
}
