"""Deflate, compiled: canonical Huffman codes and runs of one byte.

A stream as RFC 1951 has it, with one kind of match: a run of the byte before (distance 1). In filtered images
longer distances find little, and looking for them is what takes the time of other encoders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import kernel

__all__ = ["SYMBOLS", "checksum", "code_lengths", "find_tokens", "room_for_tokens", "write_block"]

Bytes = NDArray[np.uint8]
Tokens = NDArray[np.uint16]
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

SYMBOLS = 286
"""Literals 0 to 255, end of block 256, lengths of runs 257 to 285."""

_END = 256
_SYMBOL_BITS = 9
_EACH_SYMBOL = np.arange(SYMBOLS)
_LIMIT = 14  # bits of the longest code; deflate allows 15
_SHORTEST_RUN = 4  # three literals cost less than a run's two codes
_LONGEST_RUN = 258

# A token is what is written for one byte: a literal, a run that begins here (256 and its length), or nothing,
# within a run. So a writer need not ask which comes next.
_NOTHING = np.uint16(256 + _LONGEST_RUN + 1)
_TOKENS = 256 + _LONGEST_RUN + 2
_TOGETHER = 4
"""Tokens written at once: one run at most (14 + 5 + 1 bits) and three literals make 62 bits."""


def _run_tables() -> tuple[Integers, Integers, Integers]:
    """Return by length of run its symbol, its extra bits, and the value of these (RFC 1951, 3.2.5)."""
    symbol, bits, value = (np.zeros(_LONGEST_RUN + 1, np.int64) for _ in range(3))
    length = 3
    for code in range(257, 285):
        extra = max(0, (code - 261) // 4)
        for offset in range(1 << extra):
            symbol[length], bits[length], value[length] = code, extra, offset
            length += 1
    symbol[_LONGEST_RUN], bits[_LONGEST_RUN], value[_LONGEST_RUN] = 285, 0, 0
    return symbol, bits, value


_RUN_SYMBOL, _RUN_BITS, _RUN_VALUE = _run_tables()

# Lengths of codes are themselves written with one fixed code: a fitted one would save some 40 bytes a block.
# By length of code 0 to 14 its bits; then those of 17 and 18, which stand for runs of zeros.
_LENGTH_BITS = np.array([5, 6, 6, 5, 5, 4, 3, 3, 3, 3, 4, 4, 4, 5, 5, 0, 0, 5, 5], np.int64)
_LENGTH_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.int64)

_ZERO, _ONE = np.uint64(0), np.uint64(1)
# The bytes of a word, each 0 or 1, times this: their bits side by side in the highest byte.
_GATHER, _HIGHEST = np.uint64(0x0102040810204080), np.uint64(56)
# A power of two times this has another six highest bits for each of the 64 (a de Bruijn sequence).
_POWERS, _SIX = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)
_EXPONENTS = np.zeros(64, np.int64)
for _exponent in range(64):
    _EXPONENTS[((1 << _exponent) * int(_POWERS) & ((1 << 64) - 1)) >> int(_SIX)] = _exponent


def room_for_tokens(size: int) -> int:
    """Return how many tokens stand for a block of so many bytes and its end."""
    return (size // _TOGETHER + 1) * _TOGETHER


@kernel("(uint8[::1], int64[::1], uint16[:, ::1], int64[:, ::1])")
def find_tokens(  # noqa: PLR0912  (of functions that a kernel calls, numba compiles each twice)
    data: Bytes, bounds: Integers, tokens: Tokens, counts: Integers
) -> None:
    """Find the runs of blocks, and count their symbols.

    Parameters
    ----------
    data : ndarray of uint8
        The bytes of all blocks.
    bounds : ndarray of int64, shape (blocks + 1,)
        Where each begins, and where the last ends.
    tokens : ndarray of uint16, shape (blocks, M)
        Filled: by block what is written for each of its N bytes, and the end; in the first
        ``room_for_tokens(N)`` places.
    counts : ndarray of int64, shape (blocks, SYMBOLS + 1)
        Filled: by symbol its number; last the bits that stand beside the codes of runs.
    """
    for number in range(len(bounds) - 1):
        block = data[bounds[number] : bounds[number + 1]]
        size = len(block)
        mine = tokens[number, : (size // _TOGETHER + 1) * _TOGETHER]
        # Where four bytes follow their like, a run begins or goes on; those marks make the edges of runs,
        # each where a run begins or has ended. Neither loop has a branch.
        marks = np.zeros(size + 5, np.uint8)
        places = max(0, size - _SHORTEST_RUN)
        for i in range(places):
            byte = block[i]
            unlike = (
                (byte ^ block[i + 1]) | (byte ^ block[i + 2]) | (byte ^ block[i + 3]) | (byte ^ block[i + 4])
            )
            marks[i + 5] = np.uint8(unlike == 0)
        edges = np.zeros((size // 64 + 1) * 64, np.uint8)
        for i in range(size + 1):
            middle = marks[i + 1] | marks[i + 2] | marks[i + 3]
            edges[i] = (middle ^ 1) & (marks[i] ^ marks[i + 4])
        for i in range(size):
            within = marks[i + 1] | marks[i + 2] | marks[i + 3] | (marks[i] & marks[i + 4])
            mine[i] = _NOTHING if within else np.uint16(block[i])
        mine[size] = _END
        for i in range(size + 1, len(mine)):
            mine[i] = _NOTHING

        # Edges as bits, then their places: of 64 at once, most are none.
        words = edges.view(np.uint64)
        found = 0
        edge_at = np.empty(size // 2 + 2, np.int64)
        for group in range(len(words) // 8):
            bits = _ZERO
            for i in range(8):
                bits |= ((words[8 * group + i] * _GATHER) >> _HIGHEST) << np.uint64(8 * i)
            while bits != _ZERO:
                rest = bits & (bits - _ONE)
                edge_at[found] = 64 * group + _EXPONENTS[((bits ^ rest) * _POWERS) >> _SIX]
                found += 1
                bits = rest
        for edge in range(0, found, 2):
            at, stop = edge_at[edge], edge_at[edge + 1]
            while stop - at > _LONGEST_RUN:
                mine[at] = 256 + _LONGEST_RUN
                at += _LONGEST_RUN
            if stop - at >= _SHORTEST_RUN:
                mine[at] = 256 + stop - at
            else:
                for i in range(at, stop):
                    mine[i] = block[i]

        # Four histograms, so that equal neighbours do not wait for each other.
        seen = np.zeros((_TOGETHER, _TOKENS), np.int32)
        for group in range(len(mine) // 4):
            seen[0, mine[4 * group]] += 1
            seen[1, mine[4 * group + 1]] += 1
            seen[2, mine[4 * group + 2]] += 1
            seen[3, mine[4 * group + 3]] += 1
        for symbol in range(SYMBOLS + 1):
            counts[number, symbol] = 0
        for token in range(_TOKENS - 1):
            times = seen[0, token] + seen[1, token] + seen[2, token] + seen[3, token]
            run = token - 256
            if run <= 0:
                counts[number, token] = times
            else:
                counts[number, _RUN_SYMBOL[run]] += times
                counts[number, SYMBOLS] += (_RUN_BITS[run] + 1) * times  # the distance takes a bit


def code_lengths(counts: Integers) -> Integers:
    """Choose the lengths of Huffman codes of at most 14 bits.

    Parameters
    ----------
    counts : ndarray of int64, shape (blocks, SYMBOLS)
        By symbol its number, in each block two or more of them positive, all below 2**54.

    Returns
    -------
    ndarray of int64, shape (blocks, SYMBOLS)
        By symbol the bits of its code, 0 where it does not occur.
    """
    lengths = np.zeros(counts.shape, np.int64)
    # Symbols of one number in their own order: no two keys are equal, so that any way to sort will do.
    _code_lengths(np.sort(counts << _SYMBOL_BITS | _EACH_SYMBOL), lengths)
    return lengths


@kernel("(int64[:, ::1], int64[:, ::1])")
def _code_lengths(keys: Integers, lengths: Integers) -> None:  # noqa: PLR0912
    """Choose the lengths of Huffman codes.

    Parameters
    ----------
    keys : ndarray of int64, shape (blocks, SYMBOLS)
        Each symbol's number before its own bits, ascending.
    lengths : ndarray of int64, shape (blocks, SYMBOLS)
        Zeros; filled where a symbol occurs.

    References
    ----------
    .. [1] A. Moffat and J. Katajainen, "In-Place Calculation of Minimum-Redundancy Codes", WADS 1995.
    """
    for block in range(len(keys)):
        absent = 0
        while keys[block, absent] >> _SYMBOL_BITS == 0:
            absent += 1
        n = SYMBOLS - absent
        weights = np.empty(n, np.int64)
        for i in range(n):
            weights[i] = keys[block, absent + i] >> _SYMBOL_BITS
        # From left to right: sums of pairs, then each pair's parent in their place.
        weights[0] += weights[1]
        root, leaf = 0, 2
        for node in range(1, n - 1):
            if leaf >= n or weights[root] < weights[leaf]:
                weights[node] = weights[root]
                weights[root] = node
                root += 1
            else:
                weights[node] = weights[leaf]
                leaf += 1
            if leaf >= n or (root < node and weights[root] < weights[leaf]):
                weights[node] += weights[root]
                weights[root] = node
                root += 1
            else:
                weights[node] += weights[leaf]
                leaf += 1
        # From right to left: parents to depths, and how many leaves each depth has.
        weights[n - 2] = 0
        for node in range(n - 3, -1, -1):
            weights[node] = weights[weights[node]] + 1
        deep = np.zeros(SYMBOLS + 1, np.int64)
        free, used, depth, node = 1, 0, 0, n - 2
        while free > 0:
            while node >= 0 and weights[node] == depth:
                used += 1
                node -= 1
            deep[depth] = free - used
            free, depth, used = 2 * used, depth + 1, 0
        # Codes that are too long are cut, and shorter ones lengthened until all fit.
        for depth in range(_LIMIT + 1, SYMBOLS + 1):
            deep[_LIMIT] += deep[depth]
        taken = 0
        for depth in range(1, _LIMIT + 1):
            taken += deep[depth] << (_LIMIT - depth)
        while taken > 1 << _LIMIT:
            deep[_LIMIT] -= 1
            depth = _LIMIT - 1
            while deep[depth] == 0:
                depth -= 1
            deep[depth] -= 1
            deep[depth + 1] += 2
            taken -= 1
        at = SYMBOLS - 1
        for depth in range(1, _LIMIT + 1):
            for _ in range(deep[depth]):
                lengths[block, keys[block, at] & ((1 << _SYMBOL_BITS) - 1)] = depth
                at -= 1


@kernel("(uint16[::1], int64[::1], int64, uint64[::1], uint64[::1])")
def write_block(  # noqa: PLR0912, PLR0915  (bits pass through registers: a call would spill them)
    tokens: Tokens, lengths: Integers, final: int, out: Words, state: Words
) -> None:
    """Write a block with codes of its own.

    Parameters
    ----------
    tokens : ndarray of uint16
        As `find_tokens` fills them.
    lengths : ndarray of int64, shape (SYMBOLS,)
        By symbol the bits of its code.
    final : int
        1 of the last block, else 0.
    out : ndarray of uint64
        With room for the block and a word.
    state : ndarray of uint64, shape (2,)
        Bits written, and those of the word that is not full; read and updated.
    """
    low, high, six, mask = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(6), np.uint64(63)
    at = np.int64(state[0] >> six)
    n, bits = state[0] & mask, state[1]

    # Canonical codes, their first bit lowest, with the length above; those of lengths after the others.
    codes = np.zeros(SYMBOLS + 19, np.uint64)
    for which in range(2):
        size = SYMBOLS if which == 0 else 19
        number = np.zeros(16, np.int64)
        for symbol in range(size):
            number[lengths[symbol] if which == 0 else _LENGTH_BITS[symbol]] += 1
        number[0] = 0
        following = np.zeros(16, np.int64)
        for depth in range(1, 16):
            following[depth] = (following[depth - 1] + number[depth - 1]) << 1
        for symbol in range(size):
            depth = lengths[symbol] if which == 0 else _LENGTH_BITS[symbol]
            if depth > 0:
                code, turned = following[depth], 0
                following[depth] += 1
                for _ in range(depth):
                    turned = (turned << 1) | (code & 1)
                    code >>= 1
                codes[which * SYMBOLS + symbol] = np.uint64(turned | (depth << 32))

    # What comes before the bytes, in the same form: kind of block, numbers of codes, and the codes' lengths.
    last_symbol = SYMBOLS - 1
    while lengths[last_symbol] == 0:
        last_symbol -= 1
    before = np.zeros(SYMBOLS + 32, np.uint64)
    before[0] = np.uint64(final | (2 << 1) | ((last_symbol - 256) << 3) | (15 << 13) | (17 << 32))
    entries = 1
    for i in range(19):
        before[entries] = np.uint64(_LENGTH_BITS[_LENGTH_ORDER[i]] | (3 << 32))
        entries += 1
    symbol = 0
    while symbol <= last_symbol + 1:  # the one distance code, of one bit, comes last
        kind = lengths[symbol] if symbol <= last_symbol else np.int64(1)
        zeros = 0
        while zeros < 138 and symbol + zeros <= last_symbol and lengths[symbol + zeros] == 0:
            zeros += 1
        extra, extra_bits = np.int64(0), np.int64(0)
        if zeros >= 11:
            kind, extra, extra_bits = np.int64(18), np.int64(zeros - 11), np.int64(7)
        elif zeros >= 3:
            kind, extra, extra_bits = np.int64(17), np.int64(zeros - 3), np.int64(3)
        else:
            zeros = 1
        entry = codes[SYMBOLS + kind]
        before[entries] = entry + (np.uint64(extra) << (entry >> high)) + np.uint64(extra_bits << 32)
        entries += 1
        symbol += zeros
    for i in range(entries):
        value, total = before[i] & low, n + (before[i] >> high)
        bits |= value << n
        out[at] = bits
        if total > mask:
            at += 1
            bits = (value >> _ONE) >> (mask - n)
        n = total & mask

    # By token what is written; the distance of a run is the code 0, of one bit.
    table = np.zeros(_TOKENS, np.uint64)
    for symbol in range(_END + 1):
        table[symbol] = codes[symbol]
    for run in range(_SHORTEST_RUN, _LONGEST_RUN + 1):
        entry = codes[_RUN_SYMBOL[run]]
        beside = np.uint64((_RUN_BITS[run] + 1) << 32)
        table[256 + run] = entry + (np.uint64(_RUN_VALUE[run]) << (entry >> high)) + beside
    for token in range(_TOKENS):
        table[token] = ((table[token] & low) << six) | (table[token] >> high)
    for group in range(len(tokens) // 4):
        a, b = table[tokens[4 * group]], table[tokens[4 * group + 1]]
        c, d = table[tokens[4 * group + 2]], table[tokens[4 * group + 3]]
        left = (a >> six) | ((b >> six) << (a & mask))
        right = (c >> six) | ((d >> six) << (c & mask))
        value = left | (right << ((a + b) & mask))
        total = n + ((a + b + c + d) & mask)
        bits |= value << n
        out[at] = bits
        # A choice between values, since a branch would be foreseen wrongly every other time.
        full = total >> six
        at += np.int64(full)
        bits = bits if full == _ZERO else (value >> _ONE) >> (mask - n)
        n = total & mask
    state[0], state[1] = (np.uint64(at) << six) + n, bits


def checksum(data: Bytes) -> int:
    """Return the Adler-32 of some bytes (RFC 1950), faster than zlib does."""
    sums = np.array([1, 0], np.int64)
    _add_bytes(data, sums)
    return int(sums[1]) << 16 | int(sums[0])


@kernel("(uint8[::1], int64[::1])")
def _add_bytes(data: Bytes, sums: Integers) -> None:
    # So few at once that both sums have room in 32 bits.
    for start in range(0, len(data), 4096):
        part = data[start : start + 4096]
        size = len(part)
        plain = weighted = np.uint32(0)
        for i in range(size):
            plain = np.uint32(plain + part[i])
            weighted = np.uint32(weighted + np.uint32(size - i) * np.uint32(part[i]))
        sums[1] = (sums[1] + size * sums[0] + np.int64(weighted)) % 65521
        sums[0] = (sums[0] + np.int64(plain)) % 65521
