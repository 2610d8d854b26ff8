"""An HTTP client that costs little, so that what is measured is the server."""

import json
import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode().lower() == name.lower():
                return value.strip().decode()
        return None

    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


def request(method: str, url: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *(f"{k}: {v}" for k, v in headers.items())]
    if method == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + END + body


class Line:
    """One kept connection."""

    def __init__(self, url: str, token: str = "", timeout: float = 60.0) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        host, _, port = urlsplit(url).netloc.partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """The request's bytes; headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(method, self._url, path, self._headers | named, body)

    def ask(self, wire: bytes) -> Answer:
        """Send a request and read its whole answer."""
        self.socket.sendall(wire)
        data = b""
        while (size := whole(data)) is None:
            more = self.socket.recv(262_144)
            if not more:
                raise ConnectionError("the server hung up")
            data += more
        return parsed(data[:size])

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask(self.raw("GET", path, b"", **headers))

    def post(self, path: str, body: bytes = b"{}", **headers: str) -> Answer:
        return self.ask(self.raw("POST", path, body, **headers))


def whole(data: bytes) -> int | None:
    """How many bytes the first answer in `data` has, once it is all there."""
    end = data.find(END)
    if end < 0:
        return None
    head = data[:end].lower()
    start = head.find(LENGTH)
    body = 0 if start < 0 else int(head[start + len(LENGTH) :].split(b"\r\n", 1)[0])
    size = end + len(END) + body
    return size if len(data) >= size else None


def parsed(data: bytes) -> Answer:
    head, _, body = data.partition(END)
    return Answer(int(head[9:12]), head, body)


def requests_a_second(url: str, wire: bytes, *, seconds: float, lines: int, status: int) -> float:
    """How many of these requests a server answers when several clients ask without a pause."""
    with selectors.DefaultSelector() as selector:
        connections = [Line(url) for _ in range(lines)]
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.socket.sendall(wire)
        data = dict.fromkeys(connections, b"")
        answered, started = 0, time.perf_counter()
        while (now := time.perf_counter()) - started < seconds:
            for key, _ in selector.select(1.0):
                line: Line = key.data
                data[line] += line.socket.recv(65_536)
                if whole(data[line]) is not None:
                    assert int(data[line][9:12]) == status, data[line]
                    data[line] = b""
                    answered += 1
                    line.socket.sendall(wire)
        for connection in connections:
            connection.socket.close()
        return answered / (now - started)
