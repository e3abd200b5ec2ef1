"""The rules that every clinical corruption keeps, whatever it simulates."""

from __future__ import annotations

import numpy as np
import pytest

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, Pixels
from medimeta_corruptions.clinical import CLINICAL

NAMES = [one.name for one in CLINICAL]
SHAPES = [(28, 28), (37, 61), (61, 37), (224, 224)]


def picture(name: str, shape: tuple[int, int], seed: int = 0) -> Pixels:
    """Return something to corrupt: smooth structure, edges and texture, away from black and white.

    For corruptions of fundus images it is a reddish disc on black: what a fundus camera shows.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / min(shape)
    smooth = 0.45 + 0.2 * np.sin(7 * x + 2 * y) * np.cos(5 * y) + 0.15 * (np.hypot(x - 0.5, y - 0.4) < 0.22)
    if CORRUPTIONS[name].channels == "grey":
        return np.uint8(255 * np.clip(smooth + 0.03 * rng.standard_normal(shape), 0.03, 0.97))
    fundus = name.startswith("fundus_")
    tint = np.array([1.15, 0.6, 0.35] if fundus else [1.15, 0.95, 0.9])
    colour = smooth[..., None] * tint + 0.03 * rng.standard_normal((*shape, 1))
    found = np.uint8(255 * np.clip(colour, 0.03, 0.97))
    if fundus:
        found[np.hypot(y - y.max() / 2, x - x.max() / 2) > 0.5] = 0
    return found


def error(image: Pixels, other: Pixels) -> float:
    return float(np.mean((image.astype(float) - other) ** 2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_severity_is_worse_than_the_one_before(name: str, shape: tuple[int, int]) -> None:
    """With one generator, the severities of an image are one artefact growing."""
    image = picture(name, shape)
    errors = [error(image, CORRUPTIONS[name](image, s, np.random.default_rng(3))) for s in SEVERITIES]
    assert errors == sorted(errors)
    assert errors[-1] > 0
    if shape == (224, 224):
        assert errors[0] > 0
        assert len(set(errors)) == len(errors)


@pytest.mark.parametrize("name", NAMES)
def test_padding_stays_and_does_not_matter(name: str) -> None:
    """Zero rows and columns around an image stay, and what they surround comes out as without them."""
    image = picture(name, (50, 40))
    padded = np.pad(image, [(3, 4), (2, 7)] + [(0, 0)] * (image.ndim - 2))
    alone = CORRUPTIONS[name](image, 3, np.random.default_rng(1))
    found = CORRUPTIONS[name](padded, 3, np.random.default_rng(1))
    assert np.array_equal(found[3:-4, 2:-7], alone)
    found[3:-4, 2:-7] = 0
    assert not found.any()


@pytest.mark.parametrize("name", NAMES)
def test_an_image_of_zeros_stays(name: str) -> None:
    image = np.zeros_like(picture(name, (30, 31)))
    assert not CORRUPTIONS[name](image, 5, np.random.default_rng(0)).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_image_given_is_not_touched_and_strides_do_not_matter(name: str) -> None:
    image = picture(name, (40, 52))
    before = image.copy()
    straight = CORRUPTIONS[name](image, 4, np.random.default_rng(5))
    assert np.array_equal(image, before)
    view = np.asfortranarray(image)
    view.flags.writeable = False
    assert np.array_equal(CORRUPTIONS[name](view, 4, np.random.default_rng(5)), straight)


@pytest.mark.parametrize("name", NAMES)
def test_only_uniform_numbers_are_drawn(name: str) -> None:
    """NumPy keeps the stream of ``random``; those of other distributions may change (NEP 19)."""

    class OnlyUniform(np.random.RandomState):
        def __getattribute__(self, asked: str) -> object:
            # Of this legacy class, random is a call of random_sample.
            if not asked.startswith("_") and asked not in {"random", "random_sample"}:
                raise AssertionError(f"rng.{asked} is used")
            return super().__getattribute__(asked)

    image = picture(name, (40, 40))
    CORRUPTIONS[name](image, 2, OnlyUniform(0))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_does_not_depend_on_the_severity(name: str) -> None:
    """Fewer draws are a prefix of more: so position and direction stay while the artefact grows."""

    class Recorded(np.random.RandomState):
        def random(self, size: object = None) -> object:  # type: ignore[override]
            drawn = super().random(size)  # type: ignore[arg-type]
            kept.append(np.ravel(drawn))
            return drawn

    image = picture(name, (40, 40))
    streams = []
    for severity in SEVERITIES:
        kept: list[np.ndarray] = []
        CORRUPTIONS[name](image, severity, Recorded(0))
        streams.append(np.concatenate(kept) if kept else np.empty(0))
    assert (streams[-1].size > 0) == CORRUPTIONS[name].stochastic
    for one in streams:
        shared = min(one.size, streams[-1].size)
        assert np.array_equal(one[:shared], streams[-1][:shared])


@pytest.mark.parametrize("name", [n for n in NAMES if CORRUPTIONS[n].channels == "grey"])
def test_grey_corruptions_take_three_equal_channels_and_no_colours(name: str) -> None:
    image = picture(name, (40, 40))
    grey = CORRUPTIONS[name](image, 3, np.random.default_rng(2))
    tripled = CORRUPTIONS[name](np.stack([image] * 3, axis=2), 3, np.random.default_rng(2))
    assert np.array_equal(tripled, np.stack([grey] * 3, axis=2))
    coloured = np.stack([image, image, 255 - image], axis=2)
    with pytest.raises(ValueError, match="is for grey images"):
        CORRUPTIONS[name](coloured, 3, np.random.default_rng(2))


@pytest.mark.parametrize("name", [n for n in NAMES if CORRUPTIONS[n].channels == "colour"])
def test_colour_corruptions_refuse_grey(name: str) -> None:
    with pytest.raises(ValueError, match="is for colour images"):
        CORRUPTIONS[name](picture(name, (40, 40))[..., 0].copy(), 3, np.random.default_rng(2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(27, 100), (100, 2001)], ids=str)
def test_other_sizes_are_refused_with_the_limit(name: str, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="28 to 2000 pixels a side"):
        CORRUPTIONS[name](picture(name, shape), 1, np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_records_say_where_the_formula_comes_from(name: str) -> None:
    record = CORRUPTIONS[name]
    assert record.source
    assert record.domain
    assert record.parameter
    assert record.version == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_record_says_whether_numbers_are_drawn(name: str) -> None:
    """One generator, one image; another generator, another one exactly if the corruption is stochastic."""
    image = picture(name, (60, 80))
    rng = np.random.default_rng(0)
    found = CORRUPTIONS[name](image, 5, rng)
    assert (rng.random() != np.random.default_rng(0).random()) == CORRUPTIONS[name].stochastic
    assert np.array_equal(found, CORRUPTIONS[name](image, 5, np.random.default_rng(0)))
    others = [CORRUPTIONS[name](image, 5, np.random.default_rng(seed)) for seed in range(1, 9)]
    assert any((other != found).any() for other in others) == CORRUPTIONS[name].stochastic
