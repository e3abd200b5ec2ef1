"""Random generators, one per rendered image, and seeded orders: functions of identities alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from medimeta_c.format.keys import Image, SetKey
from medimeta_corruptions import Corruption

if TYPE_CHECKING:
    from medimeta_c.format.manifest.records import Protocol

__all__ = ["GROWING", "SEED_SCHEME", "SEED_SCHEMES", "corrupted", "generator", "order_key"]

SEED_SCHEME = "medimeta-c/1"
"""Version of the derivation below. Another scheme would be another benchmark version."""

GROWING = "medimeta-c/2"
"""The scheme that leaves the severity out: the five severities of an image are one artefact growing."""

SEED_SCHEMES = (SEED_SCHEME, GROWING)


def generator(seed: int, key: SetKey, image_id: str, scheme: str = SEED_SCHEME) -> np.random.Generator:
    """Return the generator of one rendered image.

    A Philox bit generator keyed by the 16-byte BLAKE2b digest of
    ``medimeta-c/1|<seed>|<dataset>|<split>|<image_id>|<corruption>|<severity>`` (UTF-8). Nothing else
    enters: neither order, nor worker, shard or host. The scheme ``medimeta-c/2`` has ``-`` in place of the
    severity.

    Parameters
    ----------
    seed : int
        The benchmark's seed.
    key : SetKey
        The set the image is rendered for.
    image_id : str
        The image's id in its dataset.
    scheme : {"medimeta-c/1", "medimeta-c/2"}, optional
        The suite's scheme.

    Returns
    -------
    numpy.random.Generator
        A fresh generator.

    Examples
    --------
    >>> key = SetKey("pbc", "test", "gaussian_noise", 1)
    >>> bool(generator(0, key, "000001").random() == generator(0, key, "000001").random())
    True
    >>> bool(generator(0, key, "000001").random() == generator(0, key, "000002").random())
    False
    """
    severity = "-" if scheme == GROWING else key.severity
    text = f"{scheme}|{seed}|{key.dataset}|{key.split}|{image_id}|{key.corruption}|{severity}"
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def corrupted(image: Image, key: SetKey, image_id: str, protocol: Protocol, corruption: Corruption) -> Image:
    """Return an image of a corrupted set, given the clean image.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 3)
        The clean image, uint8. Not modified.
    key : SetKey
        The corrupted set.
    image_id : str
        The image's id in its dataset.
    protocol : Protocol
        The benchmark's; seed and seed scheme are used.
    corruption : Corruption
        The corruption of the set.

    Returns
    -------
    ndarray of the same shape
        uint8.

    Raises
    ------
    ValueError
        If the corruption is a fault that cannot occur in such an image.
    """
    rng = generator(protocol.seed, key, image_id, protocol.seed_scheme)
    return corruption(image, key.severity, rng)


def order_key(*parts: object) -> bytes:
    """Return a 16-byte BLAKE2b digest of the parts, joined by ``|``: a seeded order without a generator.

    Unlike a library's shuffle it is the same in every version of everything, and does not move when other
    items come or go.
    """
    return hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
