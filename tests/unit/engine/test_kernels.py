"""How kernels are compiled: the same numbers in give the same numbers out, whoever compiled them and where."""

from pathlib import Path

import numpy as np
import pytest

from workers.engine import kernels
from workers.engine.color import Floats
from workers.engine.kernels import PACKAGE, folder_of, forget_older_kernels, kernel, text_of


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


def test_compiled_code_is_kept_until_something_it_stands_on_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = ("color", "gradients", "formats.dxf")
    before = [folder_of(PACKAGE + name) for name in modules]
    texts = {"gradients": text_of("gradients") + "\n# changed"}

    def changed_text(module: str) -> str:
        return texts.get(module) or text_of(module)

    monkeypatch.setattr(kernels, "text_of", changed_text)
    folder_of.cache_clear()
    changed = [old != folder_of(PACKAGE + name) for name, old in zip(modules, before, strict=True)]
    folder_of.cache_clear()
    assert changed == [False, True, False]
    assert folder_of(f"{PACKAGE}softness") != folder_of(f"{PACKAGE}gradients")


def test_code_compiled_for_earlier_versions_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current, older = tmp_path / "current", tmp_path / "older"
    for folder in (current, older):
        folder.mkdir()
    monkeypatch.setattr(kernels, "CACHE", tmp_path)
    monkeypatch.setattr(kernels, "FOLDERS", {current})
    forget_older_kernels()
    assert current.is_dir()
    assert not older.exists()
