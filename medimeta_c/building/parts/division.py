"""Divide the sets of a build into parts."""

from __future__ import annotations

from collections.abc import Mapping

from medimeta_c.format.keys import SetKey
from medimeta_c.format.parts import dealt
from medimeta_c.format.shards import ROW_GROUP_ROWS

__all__ = ["rows_of_part"]


def rows_of_part(rows: Mapping[SetKey, int], number: int, of: int) -> dict[SetKey, range]:
    """Return the rows of each set that a part builds.

    Sets are dealt whole, the largest first, in turn. Only where there are fewer sets than parts, all rows
    are cut into blocks of 100, the most that a row group has, and each part gets as many consecutive blocks
    as the others, but for one; a part gets none where there are fewer blocks than parts.

    Parameters
    ----------
    rows : mapping of SetKey to int
        Every set of the whole build with its number of rows.
    number : int
        The part, from 1.
    of : int
        How many parts there are.

    Examples
    --------
    >>> sets = {SetKey("pbc", "test", "clean", 0): 250}
    >>> [list(rows_of_part(sets, number, 2).values()) for number in (1, 2)]
    [[range(0, 100)], [range(100, 250)]]
    """
    if len(rows) >= of:
        return {key: range(rows[key]) for key in dealt(rows, number, of)}
    blocks = [
        (key, range(first, min(first + ROW_GROUP_ROWS, rows[key])))
        for key in sorted(rows)
        for first in range(0, max(1, rows[key]), ROW_GROUP_ROWS)
    ]
    own: dict[SetKey, range] = {}
    for key, block in blocks[(number - 1) * len(blocks) // of : number * len(blocks) // of]:
        own[key] = range(own.get(key, block).start, block.stop)
    return own
