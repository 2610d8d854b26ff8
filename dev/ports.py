"""Loopback ports nobody else uses."""

import contextlib
import os
import random
import socket

RANGE = "TOVECTOR_PORTS"
"""The environment's name for where to choose from, such as `10000-19999`; otherwise the system chooses."""


def is_free(port: int) -> bool:
    """Whether a server of ours could listen there now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether a server accepts connections there."""
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Different free ports, all held open while they are chosen so that none comes twice.

    They are free until somebody listens there: who starts servers side by side gives each a range of its own.
    Raises OSError when the range has none left.
    """
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(contextlib.closing(socket.socket())) for _ in range(count)]
        candidates = _candidates()
        for probe in probes:
            _bind(probe, candidates)
        return [int(probe.getsockname()[1]) for probe in probes]


def _candidates() -> list[int]:
    """The ports to try, in that order; 0 lets the system choose."""
    first, _, last = os.environ.get(RANGE, "").partition("-")
    ports = range(int(first), int(last) + 1) if first else range(0)
    return random.sample(ports, len(ports)) or [0]


def _bind(probe: socket.socket, candidates: list[int]) -> None:
    for port in candidates:
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return
    raise OSError(f"no free port in {os.environ.get(RANGE)}")
