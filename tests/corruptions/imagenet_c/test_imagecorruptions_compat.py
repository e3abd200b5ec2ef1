"""imagecorruptions_compat behaves as imagecorruptions: rules, outputs, exceptions and the global state."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from corruption_images import natural
from imagenet_reference import reference_pictures, repaired_reference

from medimeta_corruptions import CORRUPTIONS, SEVERITIES
from medimeta_corruptions import corrupt as corrupt_by_name
from medimeta_corruptions.imagecorruptions_compat import corrupt, get_corruption_names

NAMES = get_corruption_names("all")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The reference's package, its functions repaired.

    Its impulse noise draws from NumPy's global state again, as with scikit-image below 0.19.
    """
    module = repaired_reference(monkeypatch)

    def salt_and_pepper(image: np.ndarray, mode: str, amount: float) -> np.ndarray:
        assert mode == "s&p"
        noisy = image.copy()
        chosen = np.random.random(image.shape) < amount  # noqa: NPY002
        white = np.random.random(image.shape) < 0.5  # noqa: NPY002
        noisy[chosen & white] = 1
        noisy[chosen & ~white] = 0
        return noisy

    monkeypatch.setattr(module.sk.util, "random_noise", salt_and_pepper)
    return importlib.import_module("imagecorruptions")


def with_seed(function: Callable[[], list[np.ndarray]]) -> tuple[list[np.ndarray], bytes]:
    """Return a function's result after seeding NumPy's global state, and that state afterwards."""
    np.random.seed(3)  # noqa: NPY002
    result = function()
    return result, pickle.dumps(np.random.get_state())  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_same_pixels_and_the_same_state_afterwards(package: ModuleType, name: str, channels: int) -> None:
    """Two calls in a row, so that the second draws from where the first stopped."""
    options = {}
    if name == "frost":
        options["frost_textures"] = reference_pictures(sys.modules["imagecorruptions.corruptions"])
    image = natural(33, 48, channels)
    for severity in SEVERITIES:
        mine, state = with_seed(lambda: [corrupt(image, severity, name, **options) for _ in range(2)])  # noqa: B023
        theirs, other = with_seed(lambda: [package.corrupt(image, severity, name) for _ in range(2)])  # noqa: B023
        np.testing.assert_array_equal(mine, theirs)
        assert mine[0].dtype == theirs[0].dtype
        assert state == other


@pytest.mark.parametrize("subset", ["common", "validation", "all", "noise", "blur", "weather", "digital"])
def test_same_names(package: ModuleType, subset: str) -> None:
    """Names and their order, which is that of the numbers."""
    assert get_corruption_names(subset) == package.get_corruption_names(subset)
    assert get_corruption_names() == package.get_corruption_names()


@pytest.mark.parametrize("number", [0, 10, 18, -2, -19])
def test_numbers(package: ModuleType, number: int) -> None:
    """A number is a position in the list of all, also from its end."""
    image = natural(32, 32, 3)
    mine, state = with_seed(lambda: [corrupt(image, 2, None, number)])
    theirs, other = with_seed(lambda: [package.corrupt(image, 2, None, number)])
    np.testing.assert_array_equal(mine, theirs)
    assert state == other


GOOD = natural(32, 40, 3)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([[1]], 1, "fog"), AttributeError),
        ((GOOD.astype(np.float32), 1, "fog"), AttributeError),
        ((GOOD[0, 0], 1, "fog"), AttributeError),
        ((GOOD[np.newaxis], 1, "fog"), AttributeError),
        ((GOOD[:31], 1, "fog"), AttributeError),
        ((GOOD[:, :31], 1, "fog"), AttributeError),
        ((GOOD[..., :2], 1, "fog"), AttributeError),
        ((GOOD, 0, "fog"), AttributeError),
        ((GOOD, 6, "fog"), AttributeError),
        ((GOOD, 1.0, "fog"), TypeError),
        ((GOOD, 1, "mist"), KeyError),
        ((GOOD, 1, None, 19), IndexError),
        ((GOOD, 1), ValueError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_same_exceptions(package: ModuleType, arguments: tuple[Any, ...], error: type[Exception]) -> None:
    """Code that catches the reference's exceptions goes on catching them."""
    for function in (package.corrupt, corrupt):
        with pytest.raises(error) as caught:
            function(*arguments)
        assert caught.type is error


def test_unknown_subset(package: ModuleType) -> None:
    """A ValueError in both."""
    for function in (package.get_corruption_names, get_corruption_names):
        with pytest.raises(ValueError, match="subset must be one of"):
            function("weird")


def test_one_channel_and_true_are_taken(package: ModuleType) -> None:
    """(H, W, 1) counts as grey, and True as severity 1."""
    image = natural(32, 33, 1)[..., np.newaxis]
    np.testing.assert_array_equal(corrupt(image, True, "contrast"), package.corrupt(image, True, "contrast"))


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_of_ones_own(name: str) -> None:
    """With rng, NumPy's global state is neither used nor changed."""
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    image = natural(32, 40, 1)
    out = corrupt(image, 2, name, rng=np.random.default_rng(1))
    expected = corrupt_by_name(np.stack([image] * 3, -1), name, 2, np.random.default_rng(1))
    np.testing.assert_array_equal(out, expected)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def test_every_name_is_registered() -> None:
    """The nineteen are core's seven and the twelve beside them."""
    assert len(set(NAMES)) == 19
    assert set(NAMES) <= set(CORRUPTIONS)
