"""edgeq beside its peers: the same networks, interleaved, one thread, thread CPU time."""
