"""Kernels: compiled late, cached where possible, and exact."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest

from medimeta_corruptions import _jit

SOURCE = "def double(values):\n    for i in range(values.size):\n        values[i] = 2.0 * values[i]\n"


def test_import_is_light_and_alone() -> None:
    """Importing the package brings neither numba nor SciPy, OpenCV, torch or medimeta_c with it."""
    heavy = "numba scipy cv2 skimage torch matplotlib medimeta_c imagecorruptions"
    script = f"import sys, medimeta_corruptions; print([m for m in {heavy!r}.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kernel_compiles_without_a_place_for_its_cache() -> None:
    """numba refuses to cache a function that lies in no file; the kernel is compiled all the same."""
    scope: dict[str, object] = {}
    exec(SOURCE, scope)
    function = scope["double"]
    with pytest.raises(RuntimeError, match="no locator"):
        numba.jit("(float64[::1],)", nopython=True, cache=True)(function)
    values = np.array([1.0, 2.5])
    _jit.Kernel(function, "(float64[::1],)")(values)  # type: ignore[arg-type]
    np.testing.assert_array_equal(values, [2.0, 5.0])


def halve(values: np.ndarray) -> None:
    for i in range(values.size):
        values[i] = 0.5 * values[i]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), EOFError("truncated")])
def test_kernel_compiles_when_the_cache_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A full disk or a damaged cache file costs time, never the result."""
    from numba.core.caching import IndexDataCacheFile

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(IndexDataCacheFile, "load", broken)
    monkeypatch.setattr(IndexDataCacheFile, "save", broken)
    values = np.array([1.0, 2.5])
    _jit.Kernel(halve, "(float64[::1],)")(values)
    np.testing.assert_array_equal(values, [0.5, 1.25])


def unsupported(values: np.ndarray) -> None:
    values[0] = open  # type: ignore[call-overload]


def test_an_error_in_a_kernel_is_not_swallowed() -> None:
    """Only the cache is dispensable: code that cannot be compiled says so."""
    with pytest.raises(numba.core.errors.NumbaError):
        _jit.Kernel(unsupported, "(float64[::1],)").compile()


def multiply_add(a: np.ndarray, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] = a[0] * a[1] + a[2]


def test_multiply_and_add_round_separately() -> None:
    """A fused multiply-add would leave -2**-60 here, and other pixels than NumPy's elsewhere."""
    a = np.array([1 + 2.0**-30, 1 - 2.0**-30, -1.0])
    out = np.empty(16)
    _jit.Kernel(multiply_add, "(float64[::1], float64[::1])")(a, out)
    np.testing.assert_array_equal(out, np.zeros(16))


def test_warm_up_compiles_every_kernel() -> None:
    """After it, no call has to wait for the compiler."""
    _jit.warm_up()
    assert _jit._KERNELS
    assert all(kernel._compiled is not None for kernel in _jit._KERNELS)


def test_kernel_keeps_its_functions_name() -> None:
    """A kernel reads like the function it was in tracebacks and help."""
    made = _jit.kernel("(float64[::1],)")(halve)
    _jit._KERNELS.remove(made)
    assert made.__name__ == "halve"
