"""How much of a purchase each refund or dispute takes back: exact, in proportion, and never more than all of it.

The parts are cut from one whole in the order in which they happened, so that they add up: what three refunds of a
third take back is everything, not nearly everything. The same set gives the same parts whatever was known before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

TENTH = Decimal("0.1")
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Whole:
    """What was bought: money in minor units (`tax` of `total`), and credits."""

    total: int
    tax: int
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """What goes back."""

    amount: int
    tax: int
    credits: Decimal


def apportion(whole: Whole, amounts: Sequence[int]) -> list[Part]:
    """The part of each amount of money that goes back, in the order given; what exceeds the whole counts for nothing.

    Credits go back in tenths, rounded half up over all parts so far.
    """
    parts: list[Part] = []
    before = Part(0, 0, Decimal(0))
    for amount in amounts:
        upto = _share(whole, before.amount + max(amount, 0))
        parts.append(Part(upto.amount - before.amount, upto.tax - before.tax, upto.credits - before.credits))
        before = upto
    return parts


def _share(whole: Whole, amount: int) -> Part:
    """What belongs to the first `amount` of the money; to more than there is belongs everything."""
    if amount >= whole.total:
        return Part(whole.total, whole.tax, whole.credits)
    share = Decimal(amount) / whole.total
    return Part(
        amount,
        int((whole.tax * share).quantize(ONE, ROUND_HALF_UP)),
        (whole.credits * share).quantize(TENTH, ROUND_HALF_UP),
    )
