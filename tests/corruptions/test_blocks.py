"""Large images are worked on in blocks, and come out as in one go."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from medimeta_corruptions import CORRUPTIONS, Rng, _image, corrupt

GENERATORS: dict[str, Callable[[], Rng]] = {
    "philox": lambda: np.random.Generator(np.random.Philox(key=3)),
    "pcg64": lambda: np.random.default_rng(3),
    "legacy": lambda: np.random.RandomState(3),
}
SHAPES = [(1, 1), (1, 999), (37, 53), (64, 64), (29, 31, 3), (300, 401)]

each_generator = pytest.mark.parametrize("kind", GENERATORS)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
each_block = pytest.mark.parametrize("block", [128, 1000, 4099])


@pytest.fixture(autouse=True)
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of the test's own size."""
    if "block" in request.fixturenames:
        block = request.getfixturevalue("block")
        monkeypatch.setattr(_image, "BLOCK", block)


def random_image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@each_generator
@each_shape
@each_block
def test_normal_noise(kind: str, shape: tuple[int, ...], block: int) -> None:
    """The numbers are those of one draw for the whole image, also from the middle of the legacy pairs."""
    image, ours, plain = random_image(shape), GENERATORS[kind](), GENERATORS[kind]()
    assert ours.normal() == plain.normal()
    sigma = CORRUPTIONS["gaussian_noise"].parameters[4]
    noisy = image / 255.0 + plain.normal(size=shape, scale=sigma)
    expected = (np.clip(noisy, 0.0, 1.0) * 255.0).astype(np.uint8)
    np.testing.assert_array_equal(corrupt(image, "gaussian_noise", 5, ours), expected)
    assert ours.normal() == plain.normal()


@each_generator
@each_shape
@each_block
def test_salt_and_pepper(kind: str, shape: tuple[int, ...], block: int) -> None:
    """All numbers that choose values are drawn before all that choose their colour."""
    image, ours, plain = random_image(shape), GENERATORS[kind](), GENERATORS[kind]()
    chosen = plain.random(shape) <= CORRUPTIONS["impulse_noise"].parameters[4]
    expected = np.where(chosen, np.where(plain.random(shape) <= 0.5, 255, 0), image)
    np.testing.assert_array_equal(corrupt(image, "impulse_noise", 5, ours), expected)
    assert ours.random() == plain.random()


@each_shape
@each_block
@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_tables(name: str, shape: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking values up block by block changes none."""
    image = random_image(shape)
    found = corrupt(image, name, 3)
    monkeypatch.undo()
    np.testing.assert_array_equal(found, corrupt(image, name, 3))
