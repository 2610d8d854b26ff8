"""The stand-ins' HTTP server against bytes that no decent client sends."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.contracts.servers import start_stand_in


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    state: Path = tmp_path_factory.mktemp("clerk")
    running = start_stand_in("dev.standins.clerk", "--state", str(state))
    yield urlsplit(running.address).port or 0
    assert running.stop() == 0


def say(port: int, *pieces: bytes) -> bytes:
    """Send the pieces and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_two_requests_share_a_connection(port: int):
    answer = say(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
    assert answer.count(b'{"status":"ok"}') == 2


def test_an_unread_body_does_not_become_the_next_request(port: int):
    first = b"GET /healthz HTTP/1.1\r\nContent-Length: 25\r\n\r\nGET /_rotate HTTP/1.1\r\n\r\n"
    answer = say(port, first, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert (answer.count(b"HTTP/1.1 200"), answer.count(b"HTTP/1.1 ")) == (2, 2)


def test_a_client_that_asks_first_is_told_to_go_on(port: int):
    head = b"POST /sign-in HTTP/1.1\r\nContent-Length: 23\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    answer = say(port, head, b"email=alice@example.com")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_nonsense_is_a_400_and_the_end_of_the_connection(port: int, nonsense: bytes):
    answer = say(port, nonsense)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in answer


def test_a_request_that_breaks_off_is_forgotten(port: int):
    assert say(port, b"POST /sign-in HTTP/1.1\r\nContent-Length: 100\r\n\r\nemail=") == b""
    assert b"200 OK" in say(port, b"GET /healthz HTTP/1.1\r\n\r\n")


def test_head_has_no_body(port: int):
    answer = say(port, b"HEAD /nothing HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert answer.endswith(b"\r\n\r\n")
