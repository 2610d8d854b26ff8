"""What deploy/gunicorn.py changes in how gunicorn answers."""

import runpy
import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser, wsgi

from dev.home import CHECKOUT

REQUEST = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
HERE = ("127.0.0.1", 8000)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[wsgi.Response, socket.socket]]:
    """An answer to REQUEST as a worker makes it, and a connection that keeps apart what was sent apart."""
    monkeypatch.setattr(wsgi, "Response", wsgi.Response)  # what the configuration puts there is taken away again
    runpy.run_path(str(CHECKOUT / "deploy" / "gunicorn.py"))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)
        settings = Config()
        request = next(RequestParser(settings, [REQUEST], HERE))
        response, _ = wsgi.create(request, ours, HERE, HERE, settings)
        yield response, theirs


def sent(connection: socket.socket) -> list[bytes]:
    pieces: list[bytes] = []
    while True:
        try:
            pieces.append(connection.recv(65_536))
        except BlockingIOError:
            return pieces


def test_an_answer_leaves_in_one_piece(served: tuple[wsgi.Response, socket.socket]) -> None:
    response, connection = served
    response.start_response("202 ACCEPTED", [("Content-Length", "5")])
    response.write(b"hello")
    response.close()
    [whole] = sent(connection)
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 202 ACCEPTED\r\n")
    assert b"Content-Length: 5" in head
    assert b"hello" == body


def test_what_comes_later_follows_as_it_comes(served: tuple[wsgi.Response, socket.socket]) -> None:
    response, connection = served
    response.start_response("200 OK", [])
    for part in (b"first", b"second"):
        response.write(part)
    response.close()
    [first, *others] = sent(connection)
    assert first.endswith(b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    assert [b"6\r\nsecond\r\n", b"0\r\n\r\n"] == others


def test_an_answer_without_a_body_is_its_head(served: tuple[wsgi.Response, socket.socket]) -> None:
    response, connection = served
    response.start_response("204 NO CONTENT", [])
    response.close()
    [head] = sent(connection)
    assert head.startswith(b"HTTP/1.1 204 NO CONTENT\r\n")
    assert head.endswith(b"\r\n\r\n")
