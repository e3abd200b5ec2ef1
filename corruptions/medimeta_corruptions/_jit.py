"""Kernels compiled on first use.

Importing numba takes longer than corrupting a hundred images, so nothing here imports it before a kernel
is called. Machine code is kept on disk (`_cache` says where), so that a machine compiles once; a process
compiles for itself alone only where no folder can be written to.

A kernel computes exactly what its Python source says, operation by operation: ``fastmath`` stays off, so
no sum is reordered, no division becomes a multiplication and no multiply-add is fused.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, ParamSpec, TypeVar

from medimeta_corruptions._cache import folders, kept_in

__all__ = ["Kernel", "helper", "kernel", "multiply_wide", "warm_up"]

P = ParamSpec("P")
R = TypeVar("R")

_KERNELS: list[Kernel[Any]] = []
_HELPERS: list[Callable[..., Any]] = []
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


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that kernels of its own file call; it stays what it is.

    Of its own file: kernels on disk are compiled again when that changes, and not when another does.
    """
    _HELPERS.append(function)
    return function


def multiply_wide(a: int, b: int) -> tuple[int, int]:
    """Return the upper and the lower 64 bits of a product of two unsigned numbers of 64 bits.

    In a kernel this is one multiplication.
    """
    return divmod(int(a) * int(b), 1 << 64)


def warm_up() -> None:
    """Compile every kernel now, or load it from disk, so that no later call has to wait for it.

    Worth calling once before worker processes start, which then all find the machine code on disk instead of
    compiling it each for itself, and before anything is timed.

    Notes
    -----
    The code is kept in the user's cache folder (``~/.cache/medimeta-corruptions`` on Linux), or in
    ``NUMBA_CACHE_DIR`` if that is set. Where neither can be written to, it is kept in a folder of the
    temporary directory that belongs to this user alone.
    """
    import_module("medimeta_corruptions.clinical")  # imported when used, and has kernels too
    for each in _KERNELS:
        each.compile()


def _compile(function: Callable[P, None], signature: str) -> Callable[P, None]:
    """Return the machine code, from the first folder that serves; without one, for this process alone."""
    import numba  # noqa: PLC0415 - half a second, which importing this package must not cost

    _declare()
    options = {"nopython": True, "nogil": True, "fastmath": False, "error_model": "numpy"}
    compiled: Callable[P, None]
    for folder in folders():
        # A full disk, a damaged file: the folder is only a convenience, and the next one may do.
        with contextlib.suppress(Exception), kept_in(folder):
            compiled = numba.jit(signature, cache=True, **options)(function)
            return compiled
    compiled = numba.jit(signature, **options)(function)  # an error in the kernel itself is raised here
    return compiled


def _declare() -> None:
    """Make helpers known to numba, each once."""
    from numba.extending import register_jitable  # noqa: PLC0415

    _declare_multiply_wide()
    while _HELPERS:
        register_jitable(_HELPERS.pop())


@functools.cache
def _declare_multiply_wide() -> None:
    from llvmlite.ir import IntType  # noqa: PLC0415
    from numba.extending import intrinsic, overload  # noqa: PLC0415
    from numba.types import UniTuple, uint64  # noqa: PLC0415

    @intrinsic  # type: ignore[untyped-decorator]
    def product(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            whole = builder.mul(*(builder.zext(arg, IntType(128)) for arg in args))
            parts = (builder.lshr(whole, whole.type(64)), whole)
            halves = [builder.trunc(part, IntType(64)) for part in parts]
            return context.make_tuple(builder, signature.return_type, halves)

        return UniTuple(uint64, 2)(uint64, uint64), code

    # Lambdas, because numba compares the arguments of both, annotations included.
    overload(multiply_wide)(lambda a, b: lambda a, b: product(a, b))  # noqa: PLW0108
