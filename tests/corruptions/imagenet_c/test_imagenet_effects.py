"""What the twelve corruptions beside core's do: how much, to grey, to small images, and without OpenCV."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from corruption_images import natural

from medimeta_corruptions import SEVERITIES, Pixels, corrupt, get
from medimeta_corruptions._gaussian import gaussian
from medimeta_corruptions.imagecorruptions_compat import corrupt as compatible
from medimeta_corruptions.imagenet_c import IMAGENET_C
from medimeta_corruptions.imagenet_c import _frost_textures as drawn
from medimeta_corruptions.imagenet_c.frost import frost_of, read_textures

NAMES = [record.name for record in IMAGENET_C]
FALLING = {
    "glass_blur": ((2, 4), "they move pixels further, in fewer rounds"),
    "frost": ((4,), "it keeps less of the image and adds as much frost"),
    "saturate": ((3,), "1 and 2 take colour away, 3 to 5 add it"),
}
"""Severities that change real images less than the one below, by the reference's own parameters."""
LEVEL = {"fog": (4,), "snow": (3,)}
"""Severities that change some images less than the one below: coarser fog, fewer and larger flakes."""


def errors(name: str, images: list[Pixels]) -> list[float]:
    """Return the mean squared error at each severity."""
    found = []
    for severity in SEVERITIES:
        squares = []
        for seed, image in enumerate(images):
            out = corrupt(image, name, severity, np.random.RandomState(seed))
            squares.append(np.mean((out.astype(float) - image) ** 2))
        found.append(float(np.mean(squares)))
    return found


@pytest.fixture(scope="module")
def photographs(sample_dir: Path) -> list[Pixels]:
    """Real images of two modalities in colour and two in grey."""
    h5py = pytest.importorskip("h5py", reason="needs h5py to read images.hdf5")
    images = []
    for dataset in ("pbc", "fundus", "oct", "pneumonia"):
        with h5py.File(sample_dir / dataset / "images.hdf5", "r") as file:
            images += [file["images"][row] for row in range(0, 20, 5)]
    return images


@pytest.mark.parametrize("name", NAMES)
def test_error_rises_with_severity(name: str, photographs: list[Pixels]) -> None:
    """Over 16 real images, at every step but those that are named, where it does fall."""
    found = errors(name, photographs)
    falling = FALLING[name][0] if name in FALLING else ()
    for severity in SEVERITIES[1:]:
        if severity not in LEVEL.get(name, ()):
            assert (found[severity - 1] > found[severity - 2]) == (severity not in falling), severity
    assert found[4] > found[0]


@pytest.mark.parametrize("name", ["gaussian_blur", "glass_blur", "defocus_blur", "elastic_transform"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_grey_is_a_channel_of_colour(name: str, severity: int) -> None:
    """Where channels are treated alike and share their draws."""
    grey = natural(45, 38, 1)
    colour = corrupt(np.stack([grey] * 3, axis=-1), name, severity, np.random.default_rng(0))
    np.testing.assert_array_equal(corrupt(grey, name, severity, np.random.default_rng(0)), colour[..., 0])


def test_a_grey_image_has_no_colours_to_saturate() -> None:
    """It comes back as it was, as a copy."""
    grey = natural(20, 30, 1)
    for severity in SEVERITIES:
        out = corrupt(grey, "saturate", severity)
        np.testing.assert_array_equal(out, grey)
        assert not np.shares_memory(out, grey)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 7), (7, 1, 3), (2, 2, 3)])
def test_one_pixel_is_enough(name: str, shape: tuple[int, ...]) -> None:
    """Every severity gives an image of the same shape, and no warning."""
    for severity in SEVERITIES:
        out = corrupt(np.full(shape, 77, np.uint8), name, severity, np.random.default_rng(1))
        assert out.shape == shape


@pytest.mark.parametrize("border", ["nearest", "reflect"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 17), (40, 5, 3)])
def test_gaussian_is_scipys(border: Any, shape: tuple[int, ...]) -> None:
    """Within the last bits of the weights, also where the weights reach far beyond the image."""
    from scipy import ndimage

    values = np.random.default_rng(0).random(shape)
    for sigma in (0.3, 2.0, 6.0):
        expected = ndimage.gaussian_filter(values, (sigma, sigma, 0)[: len(shape)], mode=border)
        np.testing.assert_allclose(gaussian(values, sigma, border=border), expected, rtol=1e-14)


def test_textures_of_frost_are_what_their_digests_say() -> None:
    """Five different pictures in colour, that nobody can change for the next call."""
    pictures = [drawn.texture(index) for index in range(drawn.COUNT)]
    assert len(set(drawn.DIGESTS)) == drawn.COUNT
    assert [drawn.digest(picture) for picture in pictures] == list(drawn.DIGESTS)
    for picture in pictures:
        assert picture.shape == (drawn.SIDE, drawn.SIDE, 3)
        assert 90 < picture.mean() < 190
        assert not picture.flags.writeable


def test_a_machine_that_draws_other_textures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather no frost than other pixels under the same name."""
    monkeypatch.setattr(drawn, "DIGESTS", ("0" * 64,) * drawn.COUNT)
    drawn.texture.cache_clear()
    with pytest.raises(RuntimeError, match="frost texture 2 has another digest here"):
        drawn.texture(2)


def test_frost_covers_images_larger_than_its_textures() -> None:
    """The texture is enlarged, not repeated or padded."""
    image = np.zeros((drawn.SIDE + 300, 20, 3), np.uint8)
    out = corrupt(image, "frost", 5, np.random.default_rng(0))
    assert (out.reshape(-1, 60).max(axis=1) > 0).all()


def write(path: Path, picture: Pixels) -> None:
    assert cv2.imwrite(str(path), picture[..., ::-1])


def test_frost_of_ones_own_pictures(tmp_path: Path) -> None:
    """Pictures are read in the order of their names, as RGB; others lying about are not."""
    write(tmp_path / "b.png", np.full((50, 60, 3), (10, 20, 30), np.uint8))
    write(tmp_path / "a.PNG", np.full((50, 60, 3), (40, 50, 60), np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    textures = read_textures(tmp_path)
    assert [tuple(texture[0, 0]) for texture in textures] == [(40, 50, 60), (10, 20, 30)]
    image = np.full((9, 8, 3), 100, np.uint8)
    out = frost_of(image, (0.5, 1.0), np.random.default_rng(0), textures[1:])
    np.testing.assert_array_equal(out, np.broadcast_to(np.array([60, 70, 80], np.uint8), image.shape))
    again = compatible(
        np.full((32, 32), 100, np.uint8), 1, "frost", rng=np.random.default_rng(0), frost_textures=tmp_path
    )
    assert tuple(again[0, 0]) in {(116, 120, 124), (104, 108, 112)}


def test_folders_that_are_of_no_use(tmp_path: Path) -> None:
    """One sentence says what is wrong with which file or folder."""
    with pytest.raises(ValueError, match="has no PNG or JPEG pictures of frost"):
        read_textures(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"bad\.png cannot be read as a picture"):
        read_textures(tmp_path)
    with pytest.raises(ValueError, match="needs at least one picture"):
        frost_of(natural(9, 9, 3), (1.0, 0.4), np.random.default_rng(0), ())


@pytest.mark.parametrize(("name", "severity"), [("defocus_blur", 2), ("spatter", 1)])
def test_without_opencv_the_command_is_named(
    name: str, severity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra that brings it; mud and everything else do without."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"needs OpenCV .*pip install './corruptions\[imagenet_c\]'"):
        corrupt(natural(30, 30, 3), name, severity, np.random.default_rng(0))
    for other in (record.name for record in IMAGENET_C if record.name != "defocus_blur"):
        corrupt(natural(30, 30, 3), other, 5, np.random.default_rng(0))


def test_severities_are_as_published() -> None:
    """Typed a second time from the definitions of ImageNet-C, for a slip in the first."""
    expected = {
        "shot_noise": (60, 25, 12, 5, 3),
        "speckle_noise": (0.15, 0.2, 0.35, 0.45, 0.6),
        "gaussian_blur": (1, 2, 3, 4, 6),
        "jpeg_compression": (25, 18, 15, 10, 7),
        "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
    }
    for name, parameters in expected.items():
        assert get(name).parameters == parameters
        with pytest.raises(ValueError, match="one parameter for each"):
            replace(get(name), parameters=parameters[:4])
