"""How kernels are compiled: the same numbers in give the same numbers out, whoever compiled them and where."""

import numpy as np

from workers.engine.color import Floats
from workers.engine.kernels import kernel


@kernel
def total(numbers: Floats) -> float:
    """The sum, from the first number to the last."""
    result = 0.0
    for i in range(len(numbers)):
        result += numbers[i]
    return result


@kernel
def scaled(numbers: Floats, by: float, more: float) -> float:
    """The last number times a factor, plus a summand."""
    result = 0.0
    for number in numbers:
        result = number * by + more
    return result


def test_kernels_add_in_the_order_that_is_written() -> None:
    numbers = np.random.default_rng(7).normal(0, 1, 1001)
    in_order = 0.0
    for number in numbers.tolist():
        in_order += number
    assert total(numbers) == in_order


def test_kernels_round_a_product_before_they_add_to_it() -> None:
    by = 1 + 2.0**-30
    assert scaled(np.array([by]), by, -1 - 2.0**-29) == by * by + (-1 - 2.0**-29) == 0.0
