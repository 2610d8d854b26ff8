"""How kernels are compiled: the same numbers in give the same numbers out, whoever compiled them and where."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import NumbaError
from numba.core.runtime import _nrt_python  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
from numba.core.runtime.nrt import rtsys

from shared.tracing import TraceOptions
from workers.engine import kernels, trace
from workers.engine.color import Floats
from workers.engine.kernels import ENGINE, PACKAGE, folder_of, forget_older_kernels, kernel, text_of
from workers.engine.rehearsal import REHEARSED, rehearsal_pictures

NUMBERS = {"bool", "int", "float", "None", "tuple", "Curve", "Distance"}
"""What a kernel may return that holds no array."""


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


@kernel
def room_for(count: int) -> float:
    """Makes an array, which such a kernel must not."""
    return np.zeros(count).sum()


def test_a_kernel_that_makes_an_array_does_not_compile() -> None:
    with pytest.raises(NumbaError):
        room_for(3)


def kernels_of_the_engine() -> Iterator[tuple[ast.FunctionDef, str]]:
    """Each with its decorator."""
    for path in ENGINE.rglob("*.py"):
        for function in ast.parse(path.read_text("utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                for decorator in function.decorator_list:
                    if isinstance(decorator, ast.Name) and decorator.id in ("kernel", "allocating_kernel"):
                        yield function, decorator.id


def names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_no_kernel_that_counts_nothing_is_given_a_new_array() -> None:
    """It would never be freed."""
    all_kernels = list(kernels_of_the_engine())
    assert len(all_kernels) > 200
    returning = {
        function.name for function, _ in all_kernels if function.returns and names_in(function.returns) - NUMBERS
    }
    assert {"smoothed", "slots_for", "count_colors", "put_rings"} <= returning
    wrong = {
        function.name
        for function, decorator in all_kernels
        if decorator == "kernel" and (function.name in returning or names_in(function) & returning)
    }
    assert wrong == set()


@pytest.mark.parametrize("options", REHEARSED, ids=("auto", "colors", "cutout", "photo"))
def test_kernels_free_what_they_make(options: TraceOptions) -> None:
    _nrt_python.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        for picture in rehearsal_pictures():
            trace(picture, options)
        after = rtsys.get_allocation_stats()
    finally:
        _nrt_python.memsys_disable_stats()
    assert after.alloc - before.alloc > 100
    assert after.alloc - before.alloc == after.free - before.free
