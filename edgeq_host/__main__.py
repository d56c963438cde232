"""`python -m edgeq_host`: the command `edgeq`."""

from edgeq_host.cli.main import entry

entry()
