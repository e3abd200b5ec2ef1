"""Bad requests are refused in one clear sentence, before any work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medimeta_corruptions import CORRUPTIONS, Corruption, Registry, corrupt, get

GREY = np.zeros((4, 5), np.uint8)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        ([[0, 1], [2, 3]], TypeError, "must be a numpy.ndarray, got list"),
        (None, TypeError, "must be a numpy.ndarray, got NoneType"),
        (np.ma.masked_equal(GREY, 0), TypeError, "must be a numpy.ndarray, got MaskedArray"),
        (np.zeros((4, 5), np.float32), TypeError, "must have dtype uint8 .* got float32"),
        (np.zeros((4, 5), np.uint16), TypeError, "got uint16; scale it first: .*257.* for all 16 bits"),
        (np.zeros((4, 5), np.int8), TypeError, "must have dtype uint8 .* got int8"),
        (np.zeros((4, 5), bool), TypeError, "must have dtype uint8 .* got bool"),
        (np.zeros(4, np.uint8), ValueError, r"must have shape .* got \(4,\)"),
        (np.zeros((4, 5, 1), np.uint8), ValueError, r"must have shape .* got \(4, 5, 1\)"),
        (np.zeros((4, 5, 4), np.uint8), ValueError, r"must have shape .* got \(4, 5, 4\)"),
        (np.zeros((2, 4, 5, 3), np.uint8), ValueError, r"must have shape .* got \(2, 4, 5, 3\)"),
        (np.zeros((0, 5), np.uint8), ValueError, "at least one pixel"),
        (np.zeros((4, 0, 3), np.uint8), ValueError, "at least one pixel"),
    ],
)
def test_image(image: Any, error: type[Exception], says: str) -> None:
    """The message names what was wanted and what came."""
    with pytest.raises(error, match=says):
        corrupt(image, "contrast", 1)


@pytest.mark.parametrize("severity", [0, 6, -1, np.int64(6), 2**70])
def test_severity_out_of_range(severity: int) -> None:
    """Severities are 1 to 5; 0 would be the clean image."""
    with pytest.raises(ValueError, match="severity must be an int from 1 to 5"):
        corrupt(GREY, "contrast", severity)


@pytest.mark.parametrize("severity", [True, np.True_, 1.0, np.float64(2), "3", None, [1]])
def test_severity_of_another_type(severity: Any) -> None:
    """A bool or a float in place of a severity is a slip, even where its value would do."""
    with pytest.raises(TypeError, match="severity must be an int from 1 to 5"):
        corrupt(GREY, "contrast", severity)


def test_unknown_name_suggests_the_nearest() -> None:
    """A misspelt name gets the likely ones; so many names are not listed."""
    with pytest.raises(ValueError, match=r"did you mean 'motion_blur' or .*\? \(\d+ are known\)$"):
        corrupt(GREY, "motionblur", 1)


@pytest.mark.parametrize("name", ["quux", "", None, 3])
def test_name_like_no_other(name: Any) -> None:
    """Without a near match, the known names are listed all the same."""
    with pytest.raises(ValueError, match=r"unknown corruption '?.*[^:] \(known: gaussian_noise"):
        get(name)


@pytest.mark.parametrize("name", [n for n, c in CORRUPTIONS.items() if c.stochastic])
@pytest.mark.parametrize("rng", [None, 0, np.random, np.random.PCG64(0)])
def test_stochastic_corruption_without_a_generator(name: str, rng: Any) -> None:
    """A seed, the global module or a bit generator is no generator."""
    with pytest.raises(TypeError, match=f"{name} draws random numbers: rng must be"):
        corrupt(GREY, name, 1, rng)


@pytest.mark.parametrize("name", [n for n, c in CORRUPTIONS.items() if not c.stochastic])
def test_deterministic_corruption_needs_no_generator(name: str) -> None:
    """Nobody has to make up a generator for a corruption that draws nothing."""
    image = np.full((30, 30) if CORRUPTIONS[name].channels != "colour" else (30, 30, 3), 90, np.uint8)
    np.testing.assert_array_equal(corrupt(image, name, 1), corrupt(image, name, 1, RNG))


def test_record_needs_five_parameters() -> None:
    """A severity table with another length is refused when it is written, not when it is used."""
    with pytest.raises(ValueError, match=r"contrast needs one parameter for each .* got 4"):
        replace(CORRUPTIONS["contrast"], parameters=(0.4, 0.3, 0.2, 0.1))


def test_record_needs_a_known_category() -> None:
    """Categories are the paper's four."""
    with pytest.raises(ValueError, match="category of contrast must be one of noise, optical"):
        replace(CORRUPTIONS["contrast"], category="weather")  # type: ignore[arg-type]


def test_record_needs_an_identifier() -> None:
    """A name that could not be a file or a column value is refused."""
    with pytest.raises(ValueError, match="must be an identifier, got 'low contrast'"):
        replace(CORRUPTIONS["contrast"], name="low contrast")


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"colour": "red"}, "colour of contrast must be like #1A2B3C, got 'red'"),
        ({"colour": ""}, "colour of contrast must be like"),
        ({"dash": (1.0,)}, "dash of contrast must be lengths of dashes and gaps"),
        ({"dash": (1.0, 0.0)}, "all above 0"),
        ({"marker": "oo"}, "marker of contrast must be one of o "),
        ({"marker": None}, "give contrast a colour, a dash and a marker, or none"),
    ],
)
def test_a_look_is_checked(look: dict[str, Any], words: str) -> None:
    """What neither matplotlib nor SVG could draw is refused where it is written."""
    with pytest.raises(ValueError, match=words):
        replace(CORRUPTIONS["contrast"], **look)


def test_names_are_unique() -> None:
    """A second corruption under a name would silently replace the first."""
    with pytest.raises(ValueError, match="two corruptions are named 'contrast'"):
        Registry("medimeta_c.corruptions", Corruption, (CORRUPTIONS["contrast"], CORRUPTIONS["contrast"]))


def test_record_is_frozen() -> None:
    """Nobody changes a severity table for everyone else in the process."""
    with pytest.raises(AttributeError):
        CORRUPTIONS["contrast"].parameters = (1.0,) * 5  # type: ignore[misc]


def test_a_missing_name_of_a_registry_is_a_key_error_with_a_hint() -> None:
    """``[...]`` raises a KeyError that names what there is; ``get`` and ``in`` are a mapping's."""
    with pytest.raises(KeyError) as caught:
        CORRUPTIONS["contrst"]
    assert str(caught.value).startswith("unknown corruption 'contrst': did you mean 'contrast'? (")
    assert CORRUPTIONS.get("contrst") is None
    assert "contrst" not in CORRUPTIONS


def test_further_things_of_a_registry_are_loaded_when_one_of_them_is_asked_for() -> None:
    """Names given first are found without them; listings have both, in order; they are loaded once."""
    first, second, third = tuple(CORRUPTIONS.values())[:3]
    loaded: list[int] = []

    def more() -> tuple[Corruption, ...]:
        loaded.append(1)
        return second, third

    known = Registry("group.without_entry_points", Corruption, (first,), more=more)
    assert first.name in known
    assert known[first.name] is first
    assert next(iter(known)) == first.name
    assert loaded == []
    assert known[third.name] is third
    assert list(known) == [first.name, second.name, third.name]
    assert len(known) == 3
    assert "other" not in known
    assert loaded == [1]


def test_names_are_unique_among_further_things_too() -> None:
    """It shows when they are loaded."""
    one = CORRUPTIONS["contrast"]
    known = Registry("group.without_entry_points", Corruption, (one,), more=lambda: (one,))
    with pytest.raises(ValueError, match=r"are named 'contrast'"):
        len(known)
