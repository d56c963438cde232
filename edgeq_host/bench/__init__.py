"""Speed measured side by side: kernels against the CPU's peak, networks against other engines. One thread, thread CPU time."""
