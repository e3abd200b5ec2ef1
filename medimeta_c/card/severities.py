"""Find imported corruptions whose severities do not grow from 1 to 5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import SetRecord

__all__ = ["in_order", "unordered_severities"]

_IN_THE_ORIGINAL = {
    ("bloodmnist", "stain_deposit"): "1, 2, 3, 3 and 3 deposits: severities 3 to 5 are alike",
    ("dermamnist", "black_corner"): "radii of 1.10, 1.05, 1.00, 0.90 and 0.95: severity 4 is the strongest",
}
"""What medmnistc 0.1.0 defines so, by dataset and corruption."""

_SLACK = 0.99  # random corruptions of nearly one strength


def in_order(distances: Sequence[float]) -> bool:
    """Return whether images get no nearer to the clean ones from one severity to the next.

    Examples
    --------
    >>> in_order([1.0, 2.0, 2.0]), in_order([2.0, 1.0, 3.0])
    (True, False)
    """
    return all(later >= _SLACK * earlier for earlier, later in pairwise(distances))


def unordered_severities(sets: Iterable[SetRecord]) -> list[tuple[str, str, str]]:
    """Return dataset, corruption and a sentence for each whose severities do not grow from 1 to 5.

    Parameters
    ----------
    sets : iterable of SetRecord
        Imported ones.
    """
    found: dict[tuple[str, str], dict[SetKey, float | None]] = {}
    for record in sets:
        own = found.setdefault((record.dataset, record.corruption), {})
        own[record.key] = record.clean_distance
    notes = []
    for (dataset, corruption), distances in sorted(found.items()):
        known = _IN_THE_ORIGINAL.get((dataset.partition("_")[0], corruption))
        measured = sorted(
            (distance, key.severity) for key, distance in distances.items() if distance is not None
        )
        order = ", ".join(str(severity) for _, severity in measured)
        if known:
            here = f"; here the order from nearest to farthest is {order}" * bool(measured)
            notes.append((dataset, corruption, f"not in order in the original: {known}{here}"))
        elif measured:
            why = (
                "from nearest to the clean images to farthest (mean absolute difference) the order is "
                f"{order}: the file may be stacked in another order than the original"
            )
            notes.append((dataset, corruption, why))
    return notes
