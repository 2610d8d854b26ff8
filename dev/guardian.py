"""Ends what a vanished parent left behind.

The parent writes `+GROUP SIGNAL` for each process group it starts and `-GROUP` for each it has seen
end. When the pipe closes - the parent stopped, crashed or was killed with -9 - every group still
listed gets its signal, and two seconds later SIGKILL. Run as a script without site-packages, so
that it starts in a few milliseconds.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 2.0


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Learn of groups until the parent is gone, then end them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            group, number = line[1:].split()
            groups[int(group)] = int(number)
        else:
            groups.pop(int(line[1:]), None)
    left = [group for group, number in groups.items() if _send(group, number)]
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [group for group in left if _send(group, 0)]
    for group in left:
        _send(group, signal.SIGKILL)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
