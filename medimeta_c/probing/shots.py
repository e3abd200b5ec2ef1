"""Shots: so many images of each class, the same for everyone who uses the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.seeding import order_key
from medimeta_c.io.records import canonical_json

__all__ = ["Draw", "Listing", "draw", "draw_from_val", "rows_digest"]

_SCHEME = "medimeta-c/shots/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The images of one split and their classes.

    Parameters
    ----------
    dataset, split : str
        Where they are.
    class_names : tuple of str
        In label order.
    image_ids : tuple of str
        N ids.
    labels : tuple of int
        Of each, an index into the class names.
    """

    dataset: str
    split: str
    class_names: tuple[str, ...]
    image_ids: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True, slots=True)
class Draw:
    """Which rows of which split a head is trained on, and on which rows of val its settings are chosen."""

    train: tuple[int, ...]
    val: tuple[int, ...]


def draw(listing: Listing, shots: int | None, seed: int) -> tuple[int, ...]:
    """Return the rows of so many images of each class, ascending.

    Within a class, images are taken in the order of `order_key`: the choice depends on the seed and the ids
    alone, and more shots of the same seed hold, image for image, what fewer shots took.

    Parameters
    ----------
    listing : Listing
        What there is, in any order.
    shots : int or None
        Images of each class; None for all.
    seed : int
        Root of the choice.

    Raises
    ------
    ConfigError
        If a class has fewer images, or none; the message says which classes, and how many they have.
    """
    classes: list[list[int]] = [[] for _ in listing.class_names]
    for row, label in enumerate(listing.labels):
        classes[label].append(row)
    wanted = 1 if shots is None else shots
    few = {
        name: len(rows) for name, rows in zip(listing.class_names, classes, strict=True) if len(rows) < wanted
    }
    if few:
        has = ", ".join(f"{name!r} has {count}" for name, count in few.items())
        raise ConfigError(
            f"{wanted} shot{'s' if wanted > 1 else ''} of each class cannot be drawn from {listing.split} of "
            f"{listing.dataset}: {has}",
            value=shots,
            remedy=[
                Remedy("use at most {shots}", shots=min(few.values()))
                if min(few.values())
                else Remedy("leave the dataset out of {datasets}")
            ],
        )
    salt = f"{_SCHEME}|{seed}|{listing.dataset}"
    chosen = (
        sorted(rows, key=lambda row: order_key(salt, listing.image_ids[row]))[:shots] for rows in classes
    )
    return tuple(sorted(row for rows in chosen for row in rows))


def draw_from_val(val: Listing, shots: int | None, seed: int) -> Draw:
    """Return a draw of which both parts are of val; raises ConfigError if all images are drawn."""
    rows = draw(val, shots, seed)
    taken = set(rows)
    left = tuple(row for row in range(len(val)) if row not in taken)
    if not left:
        raise ConfigError(
            f"all {len(val)} {val.split} images of {val.dataset} are drawn to train on, and none is left to "
            "choose settings by",
            remedy=[Remedy("give fewer {shots}"), Remedy("draw from train")],
        )
    return Draw(rows, left)


def rows_digest(*parts: tuple[Listing, Sequence[int]]) -> str:
    """Return the SHA-256 of images: of each part its split, ids and labels."""
    plain = [
        [listing.split, [[listing.image_ids[row], listing.labels[row]] for row in rows]]
        for listing, rows in parts
    ]
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()
