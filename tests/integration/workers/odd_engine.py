"""An engine that misbehaves in every way on request: `python -m` this instead of workers.engine_child."""

import ctypes
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import ImageUndecodable
from workers.engine_child import Answer, Tell, Work, main


class PanicException(BaseException):
    """Like pyo3's: no Exception, and impossible to pickle."""


def echo(_: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    tell("echoing", 0.5)
    return {"pid": os.getpid()}, data


def surroundings(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    open_files = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    sockets = sum("socket:" in name for name in open_files)
    return {"environment": sorted(os.environ), "sockets": sockets}, b""


def spin(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    while True:
        pass


def sleep(arguments: Mapping[str, Any], data: bytes, tell: Tell) -> Answer:
    tell("sleeping", 0.1)
    time.sleep(arguments["seconds"])
    return {}, data


def eat(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    hoard: list[bytearray] = []
    while True:
        hoard.append(bytearray(50_000_000))


def eat_in_rust(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    os.write(2, b"memory allocation of 4294967296 bytes failed\n")
    os.abort()


def grow(arguments: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    globals().setdefault("kept", []).append(bytearray(arguments["bytes"]))
    return {"pid": os.getpid()}, b""


def crash(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    ctypes.string_at(0)
    raise AssertionError("that was a segmentation fault")


def leave(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    os._exit(3)


def panic(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    raise PanicException("index out of bounds")


def refuse(_: Mapping[str, Any], _data: bytes, _tell: Tell) -> Answer:
    raise ImageUndecodable("The picture ends in the middle.")


WORKS: Mapping[str, Work] = {
    work.__name__: work
    for work in (echo, surroundings, spin, sleep, eat, eat_in_rust, grow, crash, leave, panic, refuse)
}

if __name__ == "__main__":
    main(sys.argv[1:], WORKS, warm=lambda: "odd")
