"""The split of a number's variance: known components are found, by the formulas of the literature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.resampling import Resampling, resampled_accuracies
from medimeta_c.metrics.variance import VarianceSplit, variance_split

DEVIATIONS = {
    "seeds": 0.3,
    "prompts": 0.2,
    "both": 0.1,
    "images": 1.0,
    "seeds x images": 0.8,
    "prompts x images": 0.7,
    "all": 0.5,
}


def drawn(
    rng: np.random.Generator, seeds: int, prompts: int, images: int, /, **own: Any
) -> NDArray[np.float64]:
    """Values of the crossed model, with the components above."""
    shapes: dict[str, tuple[int, int, int]] = {
        "seeds": (seeds, 1, 1),
        "prompts": (1, prompts, 1),
        "both": (seeds, prompts, 1),
        "images": (1, 1, images),
        "seeds x images": (seeds, 1, images),
        "prompts x images": (1, prompts, images),
        "all": (seeds, prompts, images),
    }
    total: Any = 0.5
    for name, shape in shapes.items():
        total = total + own.get(name, rng.normal(0, DEVIATIONS[name], shape))
    return np.asarray(total)


def parts(split: VarianceSplit) -> list[float | None]:
    return [split.images, split.prompts, split.seeds, split.seeds_by_prompts]


def of_images(images: int) -> float:
    return sum(DEVIATIONS[name] ** 2 for name in list(DEVIATIONS)[3:]) / images


def mean_and_error(found: list[list[float | None]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    array = np.array(found, dtype=float)
    return array.mean(axis=0), array.std(axis=0) / np.sqrt(len(array))


def test_known_components_are_found_on_average() -> None:
    """Unbiased: over many draws the estimates' mean is the truth, within four standard errors."""
    rng = np.random.default_rng(1)
    mean, error = mean_and_error([parts(variance_split([drawn(rng, 4, 6, 40)])) for _ in range(1500)])
    truth = [of_images(40), 0.04, 0.09, 0.01]
    assert (abs(mean - truth) < 4 * error).all()
    assert (error < [0.001, 0.002, 0.005, 0.001]).all()  # so that the line above says something


def test_known_components_are_found_over_datasets() -> None:
    """Images and prompts are drawn for each dataset by itself, a seed is one effect on all of them."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(1500):
        seeds = rng.normal(0, 0.3, (4, 1, 1))
        arrays = [drawn(rng, 4, prompts, 40, seeds=seeds) for prompts in (5, 8)]
        found.append(parts(variance_split(arrays)))
    mean, error = mean_and_error(found)
    truth = [of_images(40) / 2, 0.04 / 2, 0.09, 0.01 / 2]
    assert (abs(mean - truth) < 4 * error).all()


def test_prompts_of_one_seed_are_found() -> None:
    """With one seed, what suits that seed is part of the prompts, and images do not inflate it."""
    rng = np.random.default_rng(3)
    found = [parts(variance_split([drawn(rng, 1, 20, 10)]))[:2] for _ in range(1500)]
    mean, error = mean_and_error(found)
    assert (abs(mean - [of_images(10), 0.05]) < 4 * error).all()


def test_images_of_one_patient_count_as_one() -> None:
    """Four equal images of each patient vary as one image of each does."""
    rng = np.random.default_rng(4)
    values = drawn(rng, 2, 5, 30)
    fourfold, patients = np.repeat(values, 4, axis=2), np.repeat(np.arange(30), 4)
    assert parts(variance_split([fourfold], [patients])) == pytest.approx(parts(variance_split([values])))
    assert variance_split([fourfold]).images == pytest.approx(variance_split([values]).images * 29 / 119)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 4), st.integers(2, 5), st.integers(2, 9), st.integers(0, 1000))
def test_without_groups_it_is_the_analysis_of_variance(
    seeds: int, prompts: int, images: int, seed: int
) -> None:
    """Mean squares of the three-way crossed design, solved for the components."""
    x = np.random.default_rng(seed).normal(size=(seeds, prompts, images))
    sizes = x.shape

    def effect(*axes: int) -> NDArray[np.float64]:
        """The interaction of some facets: marginal means, less the effects within them."""
        others = tuple(axis for axis in range(3) if axis not in axes)
        inner = [effect(*some) for some in subsets(axes)]
        return np.asarray(x.mean(axis=others, keepdims=True) - sum(inner, np.zeros((1, 1, 1))))

    def subsets(axes: tuple[int, ...]) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = [()]
        for axis in axes:
            found += [(*one, axis) for one in found]
        return [one for one in found if len(one) < len(axes)]

    def square(*axes: int) -> float:
        freedom = np.prod([sizes[axis] - 1 for axis in axes])
        repeats = np.prod([sizes[axis] for axis in range(3) if axis not in axes])
        return float(repeats * (effect(*axes) ** 2).sum() / freedom)

    s, p, i = 0, 1, 2
    split = variance_split([x])
    rest = square(s, p, i)
    both = (square(s, p) - rest) / images
    assert split.seeds_by_prompts == pytest.approx(both)
    assert split.seeds == pytest.approx((square(s) - square(s, p) - square(s, i) + rest) / (prompts * images))
    assert split.prompts == pytest.approx((square(p) - square(s, p) - square(p, i) + rest) / (seeds * images))
    assert split.images == pytest.approx(x.var(axis=2, ddof=1).mean() / images)


def test_images_are_the_variance_of_the_bootstrap() -> None:
    """The closed form is what many resamples of the images give, but for its factor n / (n - 1)."""
    rng = np.random.default_rng(5)
    correct = rng.random((40, 3)) < (0.3, 0.6, 0.9)
    table = CorrectnessTable(
        dataset="oct",
        split="test",
        image_ids=tuple(f"{row:02}" for row in range(40)),
        keys=tuple(SetKey("oct", "test", "contrast", severity) for severity in (1, 2, 3)),
        correct=correct,
    )
    (resampled,) = resampled_accuracies([table], Resampling(resamples=20_000))
    split = variance_split([correct.T[None].astype(float)])
    assert split.images == pytest.approx(resampled.var(axis=0).mean() * 40 / 39, rel=0.03)


def test_shares_add_up_and_a_negative_component_counts_as_none() -> None:
    """Two prompts that only noise parts have an estimate below 0; shares are of what is above."""
    split = VarianceSplit(
        images=0.03, prompts=-0.01, seeds=0.01, seeds_by_prompts=0.0, n_seeds=3, n_prompts=20
    )
    assert split.components == {"images": 0.03, "prompts": 0.0, "seeds": 0.01, "seeds_by_prompts": 0.0}
    assert split.shares == {"images": 0.75, "prompts": 0.0, "seeds": 0.25, "seeds_by_prompts": 0.0}
    assert split.deviations["seeds"] == pytest.approx(0.1)
    assert variance_split([np.ones((1, 2, 3))]).shares is None


@pytest.mark.parametrize(
    ("values", "groups", "message"),
    [
        ([], None, "one or more datasets"),
        ([np.zeros((1, 1, 5))], None, "at least 2 prompts"),
        ([np.zeros((1, 2, 1))], None, "2 images"),
        ([np.full((1, 2, 3), np.nan)], None, "finite"),
        ([np.zeros((2, 2, 3)), np.zeros((3, 2, 3))], None, "the same seeds"),
        ([np.zeros((1, 2, 3))], [[0, 0, 0]], "at least 2 groups"),
        ([np.zeros((1, 2, 3))], [[0, 1]], "not one for each of 3 images"),
    ],
    ids=repr,
)
def test_what_has_no_variance_is_refused(values: list[Any], groups: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        variance_split(values, groups)
