"""How the engine's inner loops are compiled: numba, ahead of use, into a cache that outlives the process.

numba keeps compiled code in `NUMBA_CACHE_DIR` if that is set and beside the source otherwise. `warm()` calls every
kernel with the types it will ever see, so that set-up pays for compiling and no customer does.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def kernel(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile a function of arrays and numbers when it is first called; free the interpreter while it runs.

    Sums may be reassociated for speed, but infinities and NaN keep their meaning.
    """
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
    return cast(Callable[Parameters, Result], compiled(function))
