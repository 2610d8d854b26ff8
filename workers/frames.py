"""How a worker and its engine talk: frames of a small JSON header and raw bytes over a socket.

No pickle: the engine's process reads hostile pictures, and what it says must not be able to run code here.
"""

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SIZES = struct.Struct("!IQ")
LONGEST_HEADER = 1_000_000


class Hangup(Exception):
    """The other side is gone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a JSON object, and bytes."""

    header: Mapping[str, Any]
    payload: bytes = b""


def send_frame(connection: socket.socket, header: Mapping[str, object], payload: bytes = b"") -> None:
    """Send one frame. Raises Hangup, or TimeoutError when the connection has a timeout."""
    text = json.dumps(header).encode()
    try:
        connection.sendall(_SIZES.pack(len(text), len(payload)) + text)
        if payload:
            connection.sendall(payload)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Hangup from error


def receive_frame(connection: socket.socket, *, longest: int) -> Frame:
    """Receive one frame of at most `longest` bytes. Raises Hangup, also for a frame that is too long."""
    header_size, payload_size = _SIZES.unpack(_receive(connection, _SIZES.size))
    if header_size > LONGEST_HEADER or payload_size > longest:
        raise Hangup("a frame longer than agreed")
    header = json.loads(_receive(connection, header_size))
    return Frame(header, bytes(_receive(connection, payload_size)))


def _receive(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        try:
            count = connection.recv_into(view[filled:])
        except ConnectionResetError as error:
            raise Hangup from error
        if count == 0:
            raise Hangup
        filled += count
    return data
