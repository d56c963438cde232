"""A link that can be slow, far, or cut: a TCP proxy on 127.0.0.1 in front of a server."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time

_CHUNK = 1 << 14


class _Way:
    """One direction of one connection: what is read from `source` is written to `target`, as late and as slowly as the proxy says."""

    def __init__(self, proxy: Proxy, source: socket.socket, target: socket.socket, up: bool) -> None:
        self.proxy, self.source, self.target, self.up = proxy, source, target, up
        self.waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(maxsize=4096)
        for work in (self.read, self.write):
            threading.Thread(target=work, daemon=True).start()

    def read(self) -> None:
        data = b"?"
        while data:
            try:
                data = self.source.recv(_CHUNK)
            except OSError:
                data = b""
            self.waiting.put((time.monotonic() + self.proxy.delay_s, data))

    def write(self) -> None:
        while True:
            due, data = self.waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            while self.proxy.frozen:
                time.sleep(0.01)
            if not data:
                with contextlib.suppress(OSError):
                    self.target.shutdown(socket.SHUT_WR)
                return
            if not self.proxy.pass_on(self.target, data, self.up):
                return


class Proxy:
    """up: from the client to the server. cut_after: bytes up, then every connection is reset. frozen: nothing moves, nothing is closed."""

    def __init__(self, port: int, delay_s: float = 0.0, bytes_per_s: float = 0.0, cut_after: int | None = None) -> None:
        self.delay_s, self.bytes_per_s, self.cut_after, self.frozen = delay_s, bytes_per_s, cut_after, False
        self.bytes_up = self.bytes_down = 0
        self._server, self._pairs = port, list[socket.socket]()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server), 5)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs += [client, server]
            _Way(self, client, server, True)
            _Way(self, server, client, False)

    def pass_on(self, target: socket.socket, data: bytes, up: bool) -> bool:
        room = len(data) if self.cut_after is None or not up else max(0, min(len(data), self.cut_after - self.bytes_up))
        try:
            target.sendall(data[:room])
        except OSError:
            return False
        if up:
            self.bytes_up += room
        else:
            self.bytes_down += room
        if self.bytes_per_s:
            time.sleep(room / self.bytes_per_s)
        if room < len(data):
            self.cut()
        return room == len(data)

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for end in pairs:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def half_close(self) -> None:
        """Towards the servers alone: they see the end of the stream."""
        for end in self._pairs[1::2]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()
        self.frozen = False
        self.cut()
