"""Which backups are kept: the newest of each of the last days, weeks and months. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime

DAILY, WEEKLY, MONTHLY = 7, 4, 12


def kept(made_at: Iterable[datetime]) -> set[datetime]:
    """Of these backups those to keep: 7 daily, 4 weekly and 12 monthly ones, counting periods that have one."""
    newest_first = sorted(set(made_at), reverse=True)
    return (
        _newest_of(newest_first, lambda one: one.date(), DAILY)
        | _newest_of(newest_first, lambda one: one.isocalendar()[:2], WEEKLY)
        | _newest_of(newest_first, lambda one: (one.year, one.month), MONTHLY)
    )


def _newest_of(newest_first: list[datetime], period: Callable[[datetime], object], most: int) -> set[datetime]:
    found: dict[object, datetime] = {}
    for one in newest_first:
        if len(found) == most and period(one) not in found:
            break
        found.setdefault(period(one), one)
    return set(found.values())
