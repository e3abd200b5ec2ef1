"""Kernels compiled on first use.

Importing numba takes longer than corrupting a hundred images, so nothing here imports it before a kernel
is called. Machine code is cached on disk where numba finds a writable place, and compiled afresh in each
process where it finds none.

A kernel computes exactly what its Python source says, operation by operation: ``fastmath`` stays off, so
no sum is reordered, no division becomes a multiplication and no multiply-add is fused.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec

__all__ = ["Kernel", "kernel", "warm_up"]

P = ParamSpec("P")

_KERNELS: list[Kernel[Any]] = []
_LOCK = threading.Lock()


class Kernel(Generic[P]):
    """A function over arrays that becomes machine code when it is first called.

    Parameters
    ----------
    function : callable
        Plain Python that numba can compile; it writes into an argument and returns nothing.
    signature : str
        The argument types, e.g. ``"(uint8[::1], uint8[::1])"``. Text, so that naming a type
        needs no numba either.
    """

    def __init__(self, function: Callable[P, None], signature: str) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._signature = signature
        self._compiled: Callable[P, None] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the kernel, compiling it if this is the first call in this process."""
        (self._compiled or self.compile())(*args, **kwargs)

    def compile(self) -> Callable[P, None]:
        """Return the machine code, from this process, the disk cache or the compiler."""
        with _LOCK:
            if self._compiled is None:
                self._compiled = _compile(self._function, self._signature)
            return self._compiled


def kernel(signature: str) -> Callable[[Callable[P, None]], Kernel[P]]:
    """Return a decorator that makes a function a `Kernel`.

    Parameters
    ----------
    signature : str
        The argument types in numba's notation.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(function: Callable[P, None]) -> Kernel[P]:
        made = Kernel(function, signature)
        _KERNELS.append(made)
        return made

    return decorate


def warm_up() -> None:
    """Compile every kernel now, so that no later call has to wait for it.

    Worth calling before timing anything, and once before starting worker processes, which then find
    the machine code in the disk cache.
    """
    for each in _KERNELS:
        each.compile()


def _compile(function: Callable[P, None], signature: str) -> Callable[P, None]:
    """Compile with numba; without its disk cache if that fails for any reason."""
    import numba  # noqa: PLC0415 - half a second, which importing this package must not cost

    options = {"nopython": True, "nogil": True, "fastmath": False, "error_model": "numpy"}
    compiled: Callable[P, None]
    try:
        compiled = numba.jit(signature, cache=True, **options)(function)
    except Exception:
        # No writable place, a full disk, a truncated cache file: the cache is only a convenience.
        # An error in the kernel itself is raised again here.
        compiled = numba.jit(signature, **options)(function)
    return compiled
