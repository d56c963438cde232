"""python -m bench.ssh [--megabytes 20] [--rounds 5] [--rtt-ms 3 30]: uploads over SSH beside SFTP, on the same link, in turn.

A real sshd on 127.0.0.1 behind a proxy process that delays every byte by half the round trip, in both directions. Each time is that of the
transfer alone, in a session that stands: edgeq up to the device's word that the SHA-256 is right and the bytes are on its disk, SFTP up
to the close of the file. OpenSSH's sftp is compared with edgeq over the OpenSSH client, paramiko's SFTP with edgeq over paramiko.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko

from bench.ssh.server import USER, Sshd, device_folder, make_key, running
from edgeq_host import agents
from edgeq_host.device import STORE, Device
from edgeq_host.transports import Options
from edgeq_runtime import agent

GOAL = 0.7
Upload = Callable[[], float]


def _proxy(port: int, rtt_ms: float) -> tuple[subprocess.Popen[str], int]:
    code = (
        "import sys, time; from bench.ssh.proxy import Proxy; "
        "p = Proxy(int(sys.argv[1]), float(sys.argv[2])); print(p.port, flush=True); time.sleep(1e6)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(port), str(rtt_ms / 2000)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def by_edgeq(address: str, client: str, data: bytes) -> float:
    fresh = os.urandom(64) + data[64:]  # a file that was there before would not be sent
    with Device(f"ssh:{address}", "device", options=Options(ssh=client)) as device:
        start = time.perf_counter()
        device.put("model", fresh, STORE)
        return time.perf_counter() - start


def by_sftp(port: int, config: Path, file: Path, target: Path) -> float:
    """The program sftp tells when it is ready by its prompt, and when it has put the file by the next one."""
    command = ["sftp", "-q", "-F", str(config), "-P", str(port), f"{USER}@127.0.0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
        assert process.stdin is not None

        def told(line: str) -> None:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{line}\n!echo now\n".encode())
            seen = b""
            while b"\nnow\n" not in seen and not seen.startswith(b"now\n"):
                more = process.stdout.read(4096)
                if not more:
                    sys.exit(f"sftp: {seen.decode(errors='replace')}")
                seen += more

        told("pwd")
        start = time.perf_counter()
        told(f"put {file} {target}")
        elapsed = time.perf_counter() - start
        process.stdin.close()
    return elapsed


def by_paramiko(port: int, key: Path, file: Path, target: Path) -> float:
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.connect(username=USER, pkey=paramiko.PKey.from_path(key))
        client: Any = paramiko.SFTPClient.from_transport(transport)
        start = time.perf_counter()
        client.put(str(file), str(target))
        return time.perf_counter() - start
    finally:
        transport.close()


def measure(folder: Path, megabytes: int, rounds: int, rtt_ms: float) -> bool:
    """Print a line for each client; whether both reach the goal."""
    key = make_key(folder / "id")
    agents.FOLDER = device_folder(folder / "devices", os.uname().machine, Path(agent.path()))
    data = os.urandom(megabytes * 1_000_000)
    file = folder / "data"
    file.write_bytes(data)
    with running(Sshd(folder / "server", key)) as server:
        process, port = _proxy(server.port, rtt_ms)
        known, config = folder / "known", folder / "config"
        known.write_text(server.known.replace(str(server.port), str(port), 1))
        config.write_text(f"IdentityFile {key}\nIdentitiesOnly yes\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
        os.environ["EDGEQ_SSH_CONFIG"] = str(config)
        address, target = f"{USER}@127.0.0.1:{port}", server.home / "data"
        pairs: dict[str, tuple[Upload, Upload]] = {
            "openssh": (lambda: by_edgeq(address, "openssh", data), lambda: by_sftp(port, config, file, target)),
            "paramiko": (lambda: by_edgeq(address, "paramiko", data), lambda: by_paramiko(port, key, file, target)),
        }
        reached = True
        for client, pair in pairs.items():
            times = [[upload() for upload in pair] for _ in range(rounds + 1)][1:]  # the first sends the agent
            own, sftp = (statistics.median(column) for column in zip(*times, strict=True))
            reached = reached and sftp / own >= GOAL
            each = "  ".join(f"{a:.2f}/{b:.2f}" for a, b in times)
            print(f"{rtt_ms:5g} ms  {client:8}  edgeq {megabytes / own:6.1f} MB/s  sftp {megabytes / sftp:6.1f} MB/s  ", end="")
            print(f"{sftp / own:.2f}x of SFTP (goal {GOAL})   seconds, edgeq/sftp: {each}", flush=True)
        process.kill()
        process.wait()
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ssh", description="Uploads over SSH beside SFTP.")
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rtt-ms", type=float, nargs="+", default=[3, 30])
    args = parser.parse_args()
    reached = True
    for rtt_ms in args.rtt_ms:
        with tempfile.TemporaryDirectory() as folder:
            reached = measure(Path(folder), args.megabytes, args.rounds, rtt_ms) and reached
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
