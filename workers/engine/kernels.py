"""How the engine's inner loops are compiled: numba, ahead of use, into a cache that outlives the process.

Compiled code is kept in `NUMBA_CACHE_DIR` if that is set and beside the source otherwise, in a folder named after
the engine's sources. numba itself looks at one file alone: a kernel that calls a changed one of another file would go
on with the old one. `warm()` calls every kernel with the types it will ever see, so that set-up pays for compiling and
no customer does.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
from numba.core import config

ENGINE = Path(__file__).parent


def cache_folder(parent: Path) -> Path:
    """Where below `parent` the compiled kernels of the engine as it is now are kept."""
    sources = sorted(ENGINE.rglob("*.py"))
    return parent / hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def forget_older_kernels() -> None:
    """Remove what earlier versions of the engine have left in the cache."""
    for folder in CACHE.parent.iterdir():
        if folder != CACHE and folder.is_dir():
            shutil.rmtree(folder)


CACHE = cache_folder(Path(getattr(config, "CACHE_DIR", "") or ENGINE / "__pycache__") / "tovector-kernels")
setattr(config, "CACHE_DIR", str(CACHE))  # noqa: B010 - numba writes its settings in no other way

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers when it is first called; free the interpreter while it runs.

    Arithmetic is strict: with LLVM's fast-math flags a result would depend on who compiled the kernel (decision 59).
    """
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
    return cast(Callable[Parameters, Result], compiled(function))
