"""How the engine's inner loops are compiled: numba, ahead of use, into a cache that outlives the process.

Compiled code is kept in `NUMBA_CACHE_DIR` if that is set and beside the source otherwise, in a folder named after a
module's source and those of all engine modules that it stands on. numba itself looks at one file alone: a kernel that
calls a changed one of another file would go on with the old one. `warm()` calls every kernel with the types it will
ever see, so that set-up pays for compiling and no customer does.
"""

import hashlib
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import config

ENGINE = Path(__file__).parent
PACKAGE = "workers.engine."
IMPORT = re.compile(rf"^from {re.escape(PACKAGE)}(\S+) import", re.MULTILINE)
CACHE = Path(getattr(config, "CACHE_DIR", "") or ENGINE / "__pycache__") / "tovector-kernels"
FOLDERS = set[Path]()
"""Those of the modules that have been imported."""


@cache
def text_of(module: str) -> str:
    """The source of a module of the engine, named from there."""
    return (ENGINE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


@cache
def folder_of(module: str) -> Path:
    """Where the compiled kernels of a module are kept as long as nothing that they stand on changes."""
    known, new = set[str](), {module.removeprefix(PACKAGE)}
    while new:
        known |= new
        new = {name for known_name in new for name in IMPORT.findall(text_of(known_name))} - known
    digest = hashlib.sha256("\0".join(text_of(name) for name in sorted(known)).encode())
    return CACHE / digest.hexdigest()[:16]


def forget_older_kernels() -> None:
    """Remove what earlier versions of the engine have left in the cache."""
    for folder in CACHE.iterdir():
        if folder not in FOLDERS and folder.is_dir():
            shutil.rmtree(folder)


Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers when it is first called; free the interpreter while it runs.

    It makes no array and returns none but what it was given, so nothing is counted: numba's runtime (NRT) would count
    who holds each array at every call of a function that is not inlined, which was a sixth of the time of a logo.
    Arithmetic is strict: with LLVM's fast-math flags a result would depend on who compiled the kernel (decision 59).
    """
    return _compiled(function, counts_references=False)


def allocating_kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """As `kernel`, for a function that makes arrays, or that calls one which returns an array."""
    return _compiled(function, counts_references=True)


def _compiled(function: Callable[Parameters, Result], *, counts_references: bool) -> Callable[Parameters, Result]:
    kept = function.__module__.startswith(PACKAGE)
    if kept:
        FOLDERS.add(folder := folder_of(function.__module__))
        setattr(config, "CACHE_DIR", str(folder))  # noqa: B010 - numba writes its settings in no other way
    options: dict[str, Any] = {"cache": kept, "nogil": True, "error_model": "numpy", "_nrt": counts_references}
    return cast(Callable[Parameters, Result], numba.njit(**options)(function))
