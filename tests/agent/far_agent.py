"""The agent behind a process that carries its bytes, as behind an ssh client: FILE for the ids of both, then the agent's command."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path


def main() -> None:
    agent = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True)
    assert agent.stdin is not None and agent.stdout is not None
    into = agent.stdin
    with Path(sys.argv[1]).open("a") as ids:
        ids.write(f"{os.getpid()} {agent.pid}\n")

    def carry() -> None:
        while data := os.read(0, 1 << 16):
            into.write(data)
        into.close()

    threading.Thread(target=carry, daemon=True).start()
    while data := agent.stdout.read(1 << 16):
        os.write(1, data)


main()
