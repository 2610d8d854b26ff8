"""Seven daily, four weekly and twelve monthly backups, whatever was made and missed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.rotation import kept

BEGAN = datetime(2030, 1, 1, 3, tzinfo=UTC)


def after_days(days: int, every: int = 1) -> set[datetime]:
    """What is left when a backup is made each day and old ones let go each time."""
    there: set[datetime] = set()
    for day in range(0, days, every):
        there.add(BEGAN + timedelta(days=day))
        there = kept(there)
    return there


def test_after_two_years_there_are_seven_days_four_weeks_and_twelve_months() -> None:
    left = sorted(after_days(730), reverse=True)
    assert [BEGAN + timedelta(days=729 - back) for back in range(7)] == left[:7]
    assert 4 == len({one.isocalendar()[:2] for one in left if one > left[0] - timedelta(days=27)})
    assert 12 == len({(one.year, one.month) for one in left})
    assert 7 + 2 + 11 <= len(left) <= 7 + 4 + 12


def test_with_few_backups_none_is_let_go() -> None:
    assert 7 == len(after_days(7))


def test_days_without_a_backup_do_not_count() -> None:
    monthly = {BEGAN + timedelta(days=30 * month) for month in range(6)}
    assert monthly == kept(monthly)


def test_of_several_on_one_day_the_newest_is_kept() -> None:
    day = [BEGAN + timedelta(hours=hour) for hour in range(5)]
    assert {day[-1]} == kept(day)


@given(st.sets(st.integers(0, 1_000_000), max_size=60))
def test_the_newest_is_always_kept_and_letting_go_again_changes_nothing(minutes: set[int]) -> None:
    made = {BEGAN + timedelta(minutes=one) for one in minutes}
    left = kept(made)
    assert left <= made
    assert kept(left) == left
    assert not made or max(made) in left
