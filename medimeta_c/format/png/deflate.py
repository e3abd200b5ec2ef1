"""Deflate, compiled: canonical Huffman codes and runs of one byte.

A stream as RFC 1951 has it, with one kind of match: a run of the byte before (distance 1). In filtered images
longer distances find little, and looking for them is what takes the time of other encoders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import kernel

__all__ = ["SYMBOLS", "code_lengths", "count_symbols", "write_block"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

SYMBOLS = 286
"""Literals 0 to 255, end of block 256, lengths of runs 257 to 285."""

_END = 256
_LIMIT = 14  # bits of the longest code; deflate allows 15
_SHORTEST_RUN = 4  # three literals cost less than a run's two codes
_LONGEST_RUN = 258


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


@kernel("(uint8[::1], int64[::1], int64[:, ::1])")
def count_symbols(block: Bytes, counts: Integers, runs: Integers) -> None:
    """Find the runs of a block, and count its symbols.

    Parameters
    ----------
    block : ndarray of uint8, shape (N,)
        Its bytes.
    counts : ndarray of int64, shape (SYMBOLS + 1,)
        Filled: by symbol its number; last the bits that stand beside the codes of runs.
    runs : ndarray of int64, shape (N // 4 + 1, 2)
        Filled: where each run begins, and its length; after the last, N and 0.
    """
    # Four histograms, so that equal neighbours do not wait for each other; one loop without a branch.
    one, two = np.zeros(256, np.int32), np.zeros(256, np.int32)
    three, four = np.zeros(256, np.int32), np.zeros(256, np.int32)
    fours = len(block) // 4
    for i in range(fours):
        one[block[4 * i]] += 1
        two[block[4 * i + 1]] += 1
        three[block[4 * i + 2]] += 1
        four[block[4 * i + 3]] += 1
    for i in range(4 * fours, len(block)):
        one[block[i]] += 1
    counts[:] = 0
    for value in range(256):
        counts[value] = one[value] + two[value] + three[value] + four[value]
    counts[_END] = 1

    # Where four bytes follow their like, a run begins or goes on; eight places are looked at in one word.
    flags = np.zeros(len(block) // 8 * 8 + 16, np.uint8)
    places = max(0, len(block) - _SHORTEST_RUN)
    before, here, after = block[:places], block[1 : 1 + places], block[2 : 2 + places]
    further, furthest = block[3 : 3 + places], block[4 : 4 + places]
    for i in range(places):
        unlike = (
            (before[i] ^ here[i]) | (here[i] ^ after[i]) | (here[i] ^ further[i]) | (here[i] ^ furthest[i])
        )
        flags[i] = np.uint8(unlike == 0)
    words = flags.view(np.uint64)
    found, past = 0, 0
    for word in range(len(words)):
        if words[word] == 0:
            continue
        for i in range(8 * word, 8 * word + 8):
            if flags[i] == 0 or i < past:
                continue
            at = i + 1
            byte = block[at]
            stop = min(len(block), at + _LONGEST_RUN)
            to = at + _SHORTEST_RUN
            while to < stop and block[to] == byte:
                to += 1
            run = to - at
            runs[found, 0], runs[found, 1] = at, run
            found += 1
            counts[byte] -= run
            counts[_RUN_SYMBOL[run]] += 1
            counts[SYMBOLS] += _RUN_BITS[run] + 1  # the distance takes a bit
            past = to - 1
    runs[found, 0], runs[found, 1] = len(block), 0


@kernel("(int64[::1], int64[::1], int64[::1])")
def code_lengths(counts: Integers, order: Integers, lengths: Integers) -> None:  # noqa: PLR0912
    """Choose the lengths of a Huffman code of at most 14 bits.

    Parameters
    ----------
    counts : ndarray of int64, shape (SYMBOLS,)
        By symbol its number, two or more of them positive.
    order : ndarray of int64, shape (SYMBOLS,)
        Symbols by ascending number.
    lengths : ndarray of int64, shape (SYMBOLS,)
        Filled: by symbol the bits of its code, 0 where it does not occur.

    References
    ----------
    .. [1] A. Moffat and J. Katajainen, "In-Place Calculation of Minimum-Redundancy Codes", WADS 1995.
    """
    absent = 0
    while counts[order[absent]] == 0:
        absent += 1
    n = SYMBOLS - absent
    weights = np.empty(n, np.int64)
    for i in range(n):
        weights[i] = counts[order[absent + i]]
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
    number = np.zeros(SYMBOLS + 1, np.int64)
    free, used, depth, node = 1, 0, 0, n - 2
    while free > 0:
        while node >= 0 and weights[node] == depth:
            used += 1
            node -= 1
        number[depth] = free - used
        free, depth, used = 2 * used, depth + 1, 0
    # Codes that are too long are cut, and shorter ones lengthened until all fit.
    for depth in range(_LIMIT + 1, SYMBOLS + 1):
        number[_LIMIT] += number[depth]
    taken = 0
    for depth in range(1, _LIMIT + 1):
        taken += number[depth] << (_LIMIT - depth)
    while taken > 1 << _LIMIT:
        number[_LIMIT] -= 1
        depth = _LIMIT - 1
        while number[depth] == 0:
            depth -= 1
        number[depth] -= 1
        number[depth + 1] += 2
        taken -= 1
    lengths[:] = 0
    at = SYMBOLS - 1
    for depth in range(1, _LIMIT + 1):
        for _ in range(number[depth]):
            lengths[order[at]] = depth
            at -= 1


@kernel("(uint8[::1], int64[:, ::1], int64[::1], int64, uint64[::1], uint64[::1])")
def write_block(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917  (bits pass through registers: a call would spill them)
    block: Bytes, runs: Integers, lengths: Integers, final: int, out: Words, state: Words
) -> None:
    """Write a block with codes of its own.

    Parameters
    ----------
    block : ndarray of uint8
        Its bytes.
    runs : ndarray of int64, shape (N, 2)
        As `count_symbols` fills it.
    lengths : ndarray of int64, shape (SYMBOLS,)
        By symbol the bits of its code.
    final : int
        1 of the last block, else 0.
    out : ndarray of uint64
        With room for the block and a word.
    state : ndarray of uint64, shape (2,)
        Bits written, and those of the word that is not full; read and updated.
    """
    low, high, mask = np.uint64(0xFFFF), np.uint64(16), np.uint64(63)
    one, all_bits = np.uint64(1), np.uint64(63)
    at = np.int64(state[0] >> np.uint64(6))
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
                codes[which * SYMBOLS + symbol] = np.uint64(turned | (depth << 16))

    # What comes before the bytes, as (bits, number): kind of block, numbers of codes, and the codes' lengths.
    last_symbol = SYMBOLS - 1
    while lengths[last_symbol] == 0:
        last_symbol -= 1
    before = np.zeros((SYMBOLS + 32, 2), np.uint64)
    before[0, 0], before[0, 1] = (
        np.uint64(final | (2 << 1) | ((last_symbol - 256) << 3) | (15 << 13)),
        np.uint64(17),
    )
    entries = 1
    for i in range(19):
        before[entries, 0], before[entries, 1] = np.uint64(_LENGTH_BITS[_LENGTH_ORDER[i]]), np.uint64(3)
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
        depth_of = entry >> high
        before[entries, 0] = (entry & low) | (np.uint64(extra) << depth_of)
        before[entries, 1] = depth_of + np.uint64(extra_bits)
        entries += 1
        symbol += zeros
    for i in range(entries):
        value, size_of = before[i, 0], before[i, 1]
        bits |= value << n
        out[at] = bits
        total = n + size_of
        if total > all_bits:
            at += 1
            bits = (value >> one) >> (all_bits - n)
        n = total & mask

    here, number_of = 0, 0
    while True:
        stop = runs[number_of, 0]
        part = block[here:stop]
        # Four literals at once: 56 bits at most.
        for i in range(len(part) // 4):
            a, b = codes[part[4 * i]], codes[part[4 * i + 1]]
            c, d = codes[part[4 * i + 2]], codes[part[4 * i + 3]]
            size_a, size_c = a >> high, c >> high
            left = (a & low) | ((b & low) << size_a)
            right = (c & low) | ((d & low) << size_c)
            size_ab = size_a + (b >> high)
            value = left | (right << size_ab)
            size_of = size_ab + size_c + (d >> high)
            bits |= value << n
            out[at] = bits
            total = n + size_of
            if total > all_bits:
                at += 1
                bits = (value >> one) >> (all_bits - n)
            n = total & mask
        run = runs[number_of, 1]
        for i in range(len(part) // 4 * 4, len(part) + 1):
            if i < len(part):
                entry = codes[part[i]]
                value, size_of = entry & low, entry >> high
            elif run > 0:
                entry = codes[_RUN_SYMBOL[run]]
                # The distance is the code 0, of one bit.
                value = (entry & low) | (np.uint64(_RUN_VALUE[run]) << (entry >> high))
                size_of = (entry >> high) + np.uint64(_RUN_BITS[run] + 1)
            else:
                entry = codes[_END]
                value, size_of = entry & low, entry >> high
            bits |= value << n
            out[at] = bits
            total = n + size_of
            if total > all_bits:
                at += 1
                bits = (value >> one) >> (all_bits - n)
            n = total & mask
        if run == 0:
            break
        here = stop + run
        number_of += 1
    state[0], state[1] = (np.uint64(at) << np.uint64(6)) + n, bits
