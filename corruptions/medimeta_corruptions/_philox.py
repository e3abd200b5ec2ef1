"""Random numbers of a Philox generator, compiled: the very numbers NumPy gives, drawn faster.

`normal` and `random` are what corruptions draw from. A `numpy.random.Generator` of `numpy.random.Philox`, the
kind a benchmark uses, is taken over: its state is read, numbers are drawn by the code below, and the state is
written back, as if NumPy had drawn them. Every other generator draws for itself.

References
----------
.. [1] J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3",
   SC 2011.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._cache import keeps_kernels
from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import helper, kernel, multiply_wide
from medimeta_corruptions._ziggurat import EDGE, Layers, layers

__all__ = ["at_most", "at_most_where", "normal", "random"]

Words = NDArray[np.uint64]
Counter = tuple[Any, Any, Any, Any]

# Places in a state: keys of the rounds 0-19, counter 20-23, the last block 24-27, how many of it are used 28.
_COUNTER, _BLOCK, _USED, _SIZE = 20, 24, 28, 29
_ZERO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_LAST = np.uint64((1 << 64) - 1)
_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_WEYL = np.array([0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B], dtype=np.uint64)
_ROUNDS = 10
_CHUNK = 1024

_UNIT = 2.0**-53
_INVERSE = 1.0 / EDGE
_UNUSED, _SIGN, _TAIL = np.uint64(11), np.uint64(9), np.uint64(8)
_LAYER, _SIDE, _WHOLE = np.uint64(255), np.uint64(511), np.uint64((1 << 52) - 1)


def normal(rng: Rng, size: int) -> NDArray[np.float64]:
    """Return ``rng.standard_normal(size)``."""
    with _drawn_from(rng) as state:
        if state is None:
            return rng.standard_normal(size)
        out = np.empty(size)
        _normal(state, layers(), out)
        return out


def random(rng: Rng, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return ``rng.random(shape)``."""
    with _drawn_from(rng) as state:
        if state is None:
            return rng.random(shape)
        out = np.empty(shape)
        _random(state, out.reshape(-1))
        return out


def at_most(rng: Rng, limit: float, out: Pixels) -> None:
    """Set each byte to 1 where the next of ``rng.random(out.size)`` is at most `limit`, else to 0."""
    with _drawn_from(rng) as state:
        if state is None:
            np.less_equal(rng.random(out.size), limit, out=out.view(np.bool_))
        else:
            _at_most(state, _whole(limit), out)


def at_most_where(rng: Rng, limit: float, out: Pixels) -> None:
    """Set each byte that is 1 to 2 where the next of ``rng.random(out.size)`` is at most `limit`.

    A counter-based generator need not draw the other bytes' numbers: it counts on.
    """
    with _drawn_from(rng) as state:
        if state is None:
            out += out & (rng.random(out.size) <= limit)
        else:
            _at_most_where(state, _whole(limit), out)


def _whole(limit: float) -> int:
    """Return the largest number of 53 bits that is at most `limit` on the unit scale; nothing is rounded."""
    return math.floor(min(limit, 1.0) * 2.0**53)


@functools.cache
def _kept() -> bool:
    """Return whether code is kept on disk: where every process would compile it, NumPy is the faster."""
    return keeps_kernels()


@contextlib.contextmanager
def _drawn_from(rng: Rng) -> Iterator[Words | None]:
    """Take over a generator's state, and give it back where the block has moved it to.

    Yields
    ------
    ndarray of uint64 or None
        The state; None of a generator that has to draw for itself.
    """
    if type(rng) is not np.random.Generator or type(rng.bit_generator) is not np.random.Philox:
        yield None
        return
    if not _kept():
        yield None
        return
    bits = rng.bit_generator
    with bits.lock:
        found: Any = dict(bits.state)
        state = np.empty(_SIZE, np.uint64)
        steps = np.arange(_ROUNDS, dtype=np.uint64)[:, np.newaxis]
        state[:_COUNTER] = (found["state"]["key"] + steps * _WEYL).ravel()
        state[_COUNTER:_BLOCK] = found["state"]["counter"]
        state[_BLOCK:_USED] = found["buffer"]
        state[_USED] = found["buffer_pos"]
        yield state
        found["state"] = {"key": state[:2], "counter": state[_COUNTER:_BLOCK]}
        found["buffer"], found["buffer_pos"] = state[_BLOCK:_USED], int(state[_USED])
        bits.state = found


@helper
def _mixed(state: Words, first: Counter, second: Counter) -> tuple[Counter, Counter]:
    """Return the words of two counters: of one alone, each product would wait for the one before."""
    a, b, c, d = first
    e, f, g, h = second
    for turn in range(_ROUNDS):
        key, other = state[2 * turn], state[2 * turn + 1]
        high_a, low_a = multiply_wide(a, _MULTIPLIERS[0])
        high_c, low_c = multiply_wide(c, _MULTIPLIERS[1])
        high_e, low_e = multiply_wide(e, _MULTIPLIERS[0])
        high_g, low_g = multiply_wide(g, _MULTIPLIERS[1])
        a, b, c, d = high_c ^ b ^ key, low_c, high_a ^ d ^ other, low_a
        e, f, g, h = high_g ^ f ^ key, low_g, high_e ^ h ^ other, low_e
    return (a, b, c, d), (e, f, g, h)


@helper
def _ahead(a: Any, b: Any, c: Any, d: Any, blocks: Any) -> Counter:
    """Return the counter that many blocks on: 256 bits, the lowest first."""
    a += blocks
    if a < blocks:
        b += _ONE
        if b == _ZERO:
            c += _ONE
            if c == _ZERO:
                d += _ONE
    return a, b, c, d


@helper
def _fill(state: Words, out: Words) -> None:
    """Write the next words."""
    at, used = 0, np.int64(state[_USED])
    while at < len(out) and used < 4:
        out[at] = state[_BLOCK + used]
        at += 1
        used += 1
    a, b, c, d = state[_COUNTER], state[_COUNTER + 1], state[_COUNTER + 2], state[_COUNTER + 3]
    words = state[_BLOCK], state[_BLOCK + 1], state[_BLOCK + 2], state[_BLOCK + 3]
    pairs = np.uint64((len(out) - at) // 8)
    if a <= _LAST - _TWO * pairs:  # else one by one, since the counter's lowest word begins again
        for _ in range(pairs):
            first, words = _mixed(state, (a + _ONE, b, c, d), (a + _TWO, b, c, d))
            out[at], out[at + 1], out[at + 2], out[at + 3] = first
            out[at + 4], out[at + 5], out[at + 6], out[at + 7] = words
            at += 8
            a += _TWO
    while at < len(out):
        a, b, c, d = _ahead(a, b, c, d, _ONE)
        words, _ = _mixed(state, (a, b, c, d), (a, b, c, d))
        used = min(4, len(out) - at)
        for i in range(used):
            out[at + i] = words[i]
        at += used
    state[_COUNTER], state[_COUNTER + 1], state[_COUNTER + 2], state[_COUNTER + 3] = a, b, c, d
    state[_BLOCK], state[_BLOCK + 1], state[_BLOCK + 2], state[_BLOCK + 3] = words
    state[_USED] = used


@kernel("(uint64[::1], float64[::1])")
def _random(state: Words, out: NDArray[np.float64]) -> None:
    words = np.empty(_CHUNK, np.uint64)
    for start in range(0, len(out), _CHUNK):
        part = out[start : start + _CHUNK]
        _fill(state, words[: len(part)])
        for i in range(len(part)):
            part[i] = np.float64(np.int64(words[i] >> _UNUSED)) * _UNIT


@kernel("(uint64[::1], uint64, uint8[::1])")
def _at_most(state: Words, limit: int, out: Pixels) -> None:
    words = np.empty(_CHUNK, np.uint64)
    for start in range(0, len(out), _CHUNK):
        part = out[start : start + _CHUNK]
        _fill(state, words[: len(part)])
        for i in range(len(part)):
            part[i] = np.uint8((words[i] >> _UNUSED) <= limit)


@kernel("(uint64[::1], uint64, uint8[::1])")
def _at_most_where(state: Words, limit: int, out: Pixels) -> None:
    at, used = 0, np.int64(state[_USED])
    while at < len(out) and used < 4:
        out[at] += np.uint8(out[at] & ((state[_BLOCK + used] >> _UNUSED) <= limit))
        at += 1
        used += 1
    state[_USED] = used
    blocks = (len(out) - at + 3) // 4
    if blocks == 0:
        return
    # The counter says which block has a place's number: those without a place that is asked for are left out,
    # all but the last, which the state keeps.
    asked = np.empty(blocks + 1, np.int64)
    found = 0
    for block in range(blocks - 1):
        first = at + 4 * block
        asked[found] = block
        found += np.int64((out[first] | out[first + 1] | out[first + 2] | out[first + 3]) != 0)
    asked[found] = asked[found + 1] = blocks - 1
    a, b, c, d = state[_COUNTER], state[_COUNTER + 1], state[_COUNTER + 2], state[_COUNTER + 3]
    words = np.empty(8, np.uint64)
    for i in range(0, found + 1, 2):
        one = _ahead(a, b, c, d, np.uint64(asked[i] + 1))
        other = _ahead(a, b, c, d, np.uint64(asked[i + 1] + 1))
        (words[0], words[1], words[2], words[3]), (words[4], words[5], words[6], words[7]) = _mixed(
            state, one, other
        )
        for which in range(1 if asked[i] == blocks - 1 else 2):
            first = at + 4 * asked[i + which]
            for lane in range(min(4, len(out) - first)):
                high = (words[4 * which + lane] >> _UNUSED) <= limit
                out[first + lane] += np.uint8(out[first + lane] & high)
    state[_COUNTER], state[_COUNTER + 1], state[_COUNTER + 2], state[_COUNTER + 3] = _ahead(
        a, b, c, d, np.uint64(blocks)
    )
    for lane in range(4):
        state[_BLOCK + lane] = words[4 + lane]
    state[_USED] = len(out) - at - 4 * (blocks - 1)


@helper
def _unit(state: Words, words: Words, at: Any) -> float:
    """Return a number from 0 to 1 made of the word at a place, or of the state's next where the words end."""
    word = np.empty(1, np.uint64)
    if at < np.uint64(len(words)):
        word[0] = words[at]
    else:
        _fill(state, word)
    unit: float = np.float64(np.int64(word[0] >> _UNUSED)) * _UNIT
    return unit


@kernel("(uint64[::1], Tuple((float64[::1], uint64[::1], float64[::1])), float64[::1])")
def _normal(state: Words, tables: Layers, out: NDArray[np.float64]) -> None:
    width, inner, density = tables
    chunk = np.empty(_CHUNK, np.uint64)
    # Places are unsigned: of signed ones, each look-up would ask whether they count from the end.
    done, size = _ZERO, np.uint64(len(out))
    while done < size:
        # Each number takes a word or more: of no more words than numbers, none is left over.
        count = min(np.uint64(_CHUNK), size - done)
        words = chunk[:count]
        _fill(state, words)
        at = _ZERO
        while at < count:
            word = words[at]
            at += _ONE
            whole = (word >> _SIGN) & _WHOLE
            layer = word & _LAYER
            value = np.float64(np.int64(whole)) * width[word & _SIDE]
            if whole < inner[layer]:
                out[done] = value
                done += _ONE
            elif layer > _ZERO:
                share = _unit(state, words, at)
                at += _ONE
                height = (density[layer - _ONE] - density[layer]) * share + density[layer]
                if height < math.exp(-0.5 * value * value):
                    out[done] = value
                    done += _ONE
            else:
                across, down = 0.0, 0.0
                while down + down <= across * across:
                    across = -_INVERSE * math.log1p(-_unit(state, words, at))
                    down = -math.log1p(-_unit(state, words, at + _ONE))
                    at += _TWO
                out[done] = -(EDGE + across) if (whole >> _TAIL) & _ONE else EDGE + across
                done += _ONE
