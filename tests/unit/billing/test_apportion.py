"""What refunds take back adds up, whatever they are."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.apportion import Part, Whole, apportion


@st.composite
def wholes(draw: st.DrawFn) -> Whole:
    total = draw(st.integers(1, 1_000_000))
    return Whole(total, total * draw(st.integers(0, 30)) // 100, Decimal(draw(st.integers(1, 100_000))) / 10)


def test_half_the_money_takes_half_the_credits() -> None:
    assert [Part(589, 94, Decimal("10.0"))] == apportion(Whole(1178, 188, Decimal(20)), [589])


def test_three_thirds_take_everything() -> None:
    parts = apportion(Whole(900, 144, Decimal(10)), [300, 300, 300])
    assert [Decimal("3.3"), Decimal("3.4"), Decimal("3.3")] == [part.credits for part in parts]
    assert 144 == sum(part.tax for part in parts)


def test_more_than_everything_takes_everything_once() -> None:
    assert [Part(1000, 0, Decimal(5)), Part(0, 0, Decimal(0))] == apportion(Whole(1000, 0, Decimal(5)), [1000, 1000])


def test_what_takes_nothing_is_a_part_of_nothing() -> None:
    assert [Part(0, 0, Decimal(0))] * 2 == apportion(Whole(1000, 160, Decimal(5)), [0, -5])


@given(wholes(), st.lists(st.integers(0, 400_000), max_size=8))
def test_no_part_is_negative_and_together_they_are_the_share_of_the_money(whole: Whole, amounts: list[int]) -> None:
    parts = apportion(whole, amounts)
    assert all(part.amount >= 0 and part.tax >= 0 and part.credits >= 0 for part in parts)
    together = min(sum(amounts), whole.total)
    assert together == sum(part.amount for part in parts)
    exact = whole.credits * together / whole.total
    assert abs(sum((part.credits for part in parts), Decimal(0)) - exact) <= Decimal("0.05")
    if together == whole.total:
        assert (whole.tax, whole.credits) == (sum(p.tax for p in parts), sum(p.credits for p in parts))


@given(wholes(), st.lists(st.integers(0, 400_000), max_size=6), st.integers(0, 400_000))
def test_a_later_refund_changes_no_earlier_one(whole: Whole, amounts: list[int], later: int) -> None:
    assert apportion(whole, amounts) == apportion(whole, [*amounts, later])[:-1]
