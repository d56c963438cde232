"""The parts of the transport `ssh`: a channel through the OpenSSH client or paramiko, and the agent started on its other end."""
