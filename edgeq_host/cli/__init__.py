"""The edgeq command: argument parsing and printing only. One module a command; each is one call into the rest of edgeq_host."""
