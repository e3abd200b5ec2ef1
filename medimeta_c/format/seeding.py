"""Random generators: one per rendered image, derived from the image's identity alone."""

from __future__ import annotations

import hashlib

import numpy as np

from medimeta_c.format.keys import SetKey

__all__ = ["SEED_SCHEME", "generator"]

SEED_SCHEME = "medimeta-c/1"
"""Version of the derivation below. Another scheme would be another benchmark version."""


def generator(seed: int, key: SetKey, image_id: str) -> np.random.Generator:
    """Return the generator of one rendered image.

    A Philox bit generator keyed by the 16-byte BLAKE2b digest of
    ``medimeta-c/1|<seed>|<dataset>|<split>|<image_id>|<corruption>|<severity>`` (UTF-8). Nothing else
    enters: neither order, nor worker, shard or host.

    Parameters
    ----------
    seed : int
        The benchmark's seed.
    key : SetKey
        The set the image is rendered for.
    image_id : str
        The image's id in its dataset.

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
    text = f"{SEED_SCHEME}|{seed}|{key.dataset}|{key.split}|{image_id}|{key.corruption}|{key.severity}"
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
