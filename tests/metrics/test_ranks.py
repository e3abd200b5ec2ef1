"""Ranks of models on the same resamples: ties where the images cannot tell two apart."""

from __future__ import annotations

import numpy as np

from medimeta_c.metrics.ranks import ranks


def test_ranks_of_samples() -> None:
    """Models far apart have ranks of their own; models the resamples cannot tell apart share a range."""
    draw = np.random.default_rng(1)
    noise = draw.normal(size=1000)
    samples = {
        "best": 0.2 + 0.001 * noise,
        "a": 0.5 + 0.02 * draw.normal(size=1000),
        "b": 0.501 + 0.02 * draw.normal(size=1000),
        "worst": 0.9 + 0.05 * noise,
    }
    found = ranks(samples, lower_is_better=True)
    assert [(found[name].best, found[name].worst) for name in samples] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert found["a"].tied == ("b",)
    mirrored = ranks(samples, lower_is_better=False)
    assert [(mirrored[name].best, mirrored[name].worst) for name in samples] == [
        (4, 4),
        (2, 3),
        (2, 3),
        (1, 1),
    ]
    assert ranks({}, lower_is_better=True) == {}


def test_pairing_tells_apart_what_intervals_overlap() -> None:
    """Two models hit by the same hard images differ surely, though their own intervals overlap."""
    draw = np.random.default_rng(2)
    shared, own = draw.normal(size=(2, 1000))
    found = ranks({"a": 0.5 + 0.1 * shared, "b": 0.51 + 0.1 * shared + 1e-3 * own}, lower_is_better=True)
    assert (found["a"].worst, found["b"].best) == (1, 2)


def test_rounding_and_a_constant_difference_are_ties() -> None:
    """Sums in another order, and a difference that no resample changes, set no model above another."""
    shared = np.random.default_rng(3).normal(size=1000)
    for shift in (1e-15, 0.01):
        found = ranks({"a": shared, "b": shared + shift}, lower_is_better=True)
        assert [(one.best, one.worst) for one in found.values()] == [(1, 2), (1, 2)]
