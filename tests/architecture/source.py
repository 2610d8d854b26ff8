"""The house's own source, read as text and syntax trees."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[2]


def _records() -> frozenset[str]:
    """The modules on the floors where SQL is written, as the import contract in pyproject.toml has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (floors,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["shared"])
    top = next(number for number, floor in enumerate(floors) if "lifecycle" in floor.split(" | "))
    bottom = next(number for number, floor in enumerate(floors) if "db" in floor.split(" | "))
    return frozenset(name for floor in floors[top + 1 : bottom] for name in floor.split(" | "))


RECORDS = _records()


def python_files(*folders: str) -> list[Path]:
    """Every Python file below these folders of the checkout."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """Every function of a file, methods included."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef))


def public_definitions(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Classes, functions and methods that others may use: no leading underscore, not inside a function."""
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (method for method in node.body if _is_public_method(method))


def _is_public_method(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """A method without a leading underscore that is described nowhere else: an override says what its base says."""
    return (
        isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not any(ast.unparse(decorator) == "override" for decorator in node.decorator_list)
    )


def calls(node: ast.AST, *names: str) -> list[ast.Call]:
    """Calls below `node` of a function or method with one of these names."""
    return [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and (
            (isinstance(call.func, ast.Attribute) and call.func.attr in names)
            or (isinstance(call.func, ast.Name) and call.func.id in names)
        )
    ]


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def relative(path: Path) -> str:
    """The path as a person writes it."""
    return path.relative_to(ROOT).as_posix()
