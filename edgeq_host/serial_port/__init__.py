"""Serial ports: which there are, the one that an address means, and a stream of bytes over it that outlives an unplugged cable."""
