"""A small threaded HTTP/1.1 server for the stand-ins.

Own code rather than gunicorn for three reasons: it is in the measured path and costs a fifth of a WSGI request,
it starts in milliseconds, and a stand-in must be able to break a connection on purpose (see storage/faults.py).
"""

import json
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, SocketIO, create_server, socket
from types import FrameType
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

Stream: TypeAlias = "BufferedReader[SocketIO]"

CHUNK_BYTES = 256 * 1024
IDLE_SECONDS = 75.0
LONGEST_LINE_BYTES = 32 * 1024


class BadRequest(Exception):
    """The bytes on the wire are not an HTTP/1.1 request."""


class ConnectionCut(Exception):
    """Raised by an application to close the connection without an answer."""


class Body:
    """The bytes of one request, read as they arrive; `Content-Length` and chunked transfer are understood."""

    def __init__(self, stream: Stream, length: int | None, on_first_read: Callable[[], None]) -> None:
        self._stream = stream
        self._chunked = length is None
        self._left = length or 0
        self._ended = length == 0
        self._on_first_read: Callable[[], None] | None = on_first_read

    def __iter__(self) -> Iterator[bytes]:
        """Yield the rest of the body in pieces of at most 256 KiB."""
        while not self._ended:
            if self._on_first_read is not None:
                self._on_first_read()
                self._on_first_read = None
            if self._left == 0:
                self._begin_chunk()
                continue
            piece = self._read(min(self._left, CHUNK_BYTES))
            self._left -= len(piece)
            if self._left == 0 and not self._chunked:
                self._ended = True
            elif self._left == 0:
                self._stream.readline(LONGEST_LINE_BYTES)
            yield piece

    def _read(self, most: int) -> bytes:
        try:
            piece = self._stream.read1(most)
        except OSError:
            raise ConnectionCut from None
        if not piece:
            raise ConnectionCut
        return piece

    def _begin_chunk(self) -> None:
        try:
            self._left = int(self._stream.readline(LONGEST_LINE_BYTES).split(b";")[0], 16)
        except ValueError:
            raise BadRequest from None
        if self._left == 0:
            self._ended = True
            while self._stream.readline(LONGEST_LINE_BYTES) not in (b"\r\n", b"\n", b""):
                pass

    def read(self) -> bytes:
        """Return the rest of the body."""
        return b"".join(self)

    def drain(self) -> None:
        """Read and forget the rest, so that the connection can carry the next request."""
        for _ in self:
            pass


@dataclass(slots=True)
class Request:
    """One request: the path is decoded, header names are lower case, the query keeps the last value of a name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body

    def json(self) -> object:
        """Return the body as JSON; an empty body is an empty object."""
        return json.loads(self.body.read() or b"{}")


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Part of a file on disk, sent without copying it through Python."""

    path: Path
    offset: int
    length: int


@dataclass(slots=True)
class Response:
    """One answer; `body` is bytes or a slice of a file."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes | FileSlice = b""


def json_response(value: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, headers, json.dumps(value, separators=(",", ":")).encode())


Application = Callable[[Request], Response]


def _read_request(stream: Stream, connection: socket) -> Request | None:
    line = stream.readline(LONGEST_LINE_BYTES)
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or words[2] != "HTTP/1.1":
        raise BadRequest
    headers: dict[str, str] = {}
    while (line := stream.readline(LONGEST_LINE_BYTES)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequest
        headers[name.lower()] = value.strip()
    path, _, query = words[1].partition("?")
    return Request(
        method=words[0],
        path=unquote(path, errors="surrogateescape"),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=_body(stream, headers, connection),
    )


def _body(stream: Stream, headers: dict[str, str], connection: socket) -> Body:
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise BadRequest

    def ask_for_it() -> None:
        if headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    return Body(stream, None if chunked else int(length), ask_for_it)


def _send(connection: socket, response: Response, *, with_body: bool, keep_alive: bool) -> None:
    body = response.body
    length = body.length if isinstance(body, FileSlice) else len(body)
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status not in (204, 304):
        lines.append(f"Content-Length: {length}")
    lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if not with_body or response.status in (204, 304):
        connection.sendall(head)
    elif isinstance(body, bytes):
        connection.sendall(head + body)
    else:
        _send_file(connection, head, body)


def _send_file(connection: socket, head: bytes, part: FileSlice) -> None:
    with part.path.open("rb", buffering=0) as file:
        if part.length <= CHUNK_BYTES:
            file.seek(part.offset)
            connection.sendall(head + (file.read(part.length) or b""))
        else:
            connection.sendall(head)
            connection.sendfile(file, part.offset, part.length)


class Server:
    """Serves one application on a loopback address, one thread per connection."""

    def __init__(self, application: Application, port: int) -> None:
        self._application = application
        self._in_flight = 0
        self._lock = threading.Lock()
        self._listener = create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listener.getsockname()[1]

    def serve_until_terminated(self, ready_line: str) -> None:
        """Print the ready line and serve until SIGTERM or SIGINT; requests under way get two seconds to end."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        print(ready_line, flush=True)
        try:
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        except SystemExit:
            self._listener.close()
            patience_ends = time.monotonic() + 2
            while self._in_flight and time.monotonic() < patience_ends:
                time.sleep(0.01)
            raise

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        # The second signal of an impatient person must not interrupt the goodbye with a traceback.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(0)

    def _serve(self, connection: socket) -> None:
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        connection.settimeout(IDLE_SECONDS)
        with connection, BufferedReader(SocketIO(connection, "rb"), CHUNK_BYTES) as stream:
            try:
                while self._serve_one(connection, stream):
                    pass
            except BadRequest:
                _send(
                    connection,
                    Response(400, body=b"not an HTTP/1.1 request\n"),
                    with_body=True,
                    keep_alive=False,
                )
            except (ConnectionCut, OSError):
                return  # the other side left, or a fault was ordered: there is nobody to tell

    def _answer(self, request: Request) -> Response:
        try:
            return self._application(request)
        except (BadRequest, ConnectionCut):
            raise
        except Exception:
            traceback.print_exc()  # a defect of the stand-in: its log says where
            return Response(500, body=b"the stand-in failed, see its log\n")

    def _serve_one(self, connection: socket, stream: Stream) -> bool:
        request = _read_request(stream, connection)
        if request is None:
            return False
        with self._lock:
            self._in_flight += 1
        try:
            response = self._answer(request)
            request.body.drain()
            keep_alive = request.headers.get("connection", "").lower() != "close"
            _send(connection, response, with_body=request.method != "HEAD", keep_alive=keep_alive)
            return keep_alive
        finally:
            with self._lock:
                self._in_flight -= 1
