"""The seed of an image depends on its identity and on nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from medimeta_c.format.keys import SetKey
from medimeta_c.format.seeding import GROWING, generator

KEY = SetKey("pbc", "test", "gaussian_noise", 3)

# By BLAKE2b and Philox of "medimeta-c/2|0|pbc|test|000042|gaussian_noise|-".
PINNED = [927504, 530704, 297047, 403801]


def test_scheme_is_pinned() -> None:
    """The first draws of one image, by value: another scheme would be another benchmark."""
    assert generator(0, KEY, "000042").integers(0, 1_000_000, 4).tolist() == [18044, 84683, 717884, 810936]


def test_the_growing_scheme_is_pinned_and_leaves_the_severity_out() -> None:
    """Under the second scheme the five severities of an image draw the same numbers."""
    draws = [generator(0, replace(KEY, severity=s), "000042", GROWING).random() for s in range(1, 6)]
    assert len(set(draws)) == 1
    assert generator(0, KEY, "000042", GROWING).integers(0, 1_000_000, 4).tolist() == PINNED
    assert draws[0] != generator(0, KEY, "000042").random()


@given(st.integers(0, 2**63), st.text(min_size=1, max_size=8))
def test_same_identity_same_stream(seed: int, image_id: str) -> None:
    """Two generators of one identity draw the same numbers."""
    first, second = (generator(seed, KEY, image_id).random(3).tolist() for _ in range(2))
    assert first == second


def test_every_part_of_the_identity_counts() -> None:
    """Changing any one part changes the stream."""
    others = [
        (0, KEY, "000001"),
        (1, KEY, "000001"),
        (0, KEY, "000002"),
        (0, SetKey("oct", "test", "gaussian_noise", 3), "000001"),
        (0, SetKey("pbc", "val", "gaussian_noise", 3), "000001"),
        (0, SetKey("pbc", "test", "impulse_noise", 3), "000001"),
        (0, SetKey("pbc", "test", "gaussian_noise", 4), "000001"),
    ]
    assert len({generator(*one).random() for one in others}) == len(others)
