"""A picture of what corruptions do to one image: a row for each, clean and by severity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.keys import Image, SetKey
from medimeta_c.format.seeding import generator
from medimeta_c.format.suites import Suite
from medimeta_corruptions import Corruption

__all__ = ["strip"]

_GAP = 4
_WHITE = 255


def strip(image: Image, corruptions: Sequence[Corruption], suite: Suite, *, seed: int = 0) -> Image:
    """Return one picture of an image under corruptions.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W) or (H, W, 3)
        The clean image.
    corruptions : sequence of Corruption
        A row each, in this order.
    suite : Suite
        Whose severities are shown and whose seed scheme is used.
    seed : int, optional
        Root of the image's seeds.

    Returns
    -------
    ndarray of uint8
        In each row the clean image, then the severities, mildest first; four white pixels between them.

    Raises
    ------
    ConfigError
        If no corruption is given.
    SourceError
        If a corruption cannot occur in the image.
    """
    if not corruptions:
        raise ConfigError("no corruption is given: give one or more")
    rows = []
    for one in corruptions:
        cells = [image]
        for severity in suite.severities:
            key = SetKey("files", "input", one.name, severity)
            try:
                cells.append(one(image, severity, generator(seed, key, "strip", suite.seed_scheme)))
            except ValueError as error:
                raise SourceError(f"the image: {error}") from error
        rows.append(_joined(cells, axis=1))
    return _joined(rows, axis=0)


def _joined(pictures: Sequence[Image], *, axis: int) -> Image:
    first = pictures[0]
    gap = np.full([_GAP if at == axis else side for at, side in enumerate(first.shape)], _WHITE, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)][:-1]
    joined: Image = np.concatenate(parts, axis=axis)
    return joined
