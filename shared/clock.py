"""Time as the house reads it.

Whatever is stored or compared is timed by the database's own clock through the SQL function
`house_now()`, so that no two machines can disagree about a lease. Python keeps only what no
database should be asked: how long something took, and the wall clock that tokens are judged by.
"""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The machine's wall clock in UTC, for log lines and tokens; never for leases or expiry."""
    return datetime.now(UTC)


def monotonic_seconds() -> float:
    """Seconds on a clock that never steps back, for durations."""
    return time.monotonic()
