"""Corruptions in training pipelines: types, layouts, ranges, and seeds in the workers of a DataLoader."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medimeta_corruptions import CORRUPTIONS, corrupt
from medimeta_corruptions.transforms import Sampler

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
ALWAYS: dict[str, Any] = {"severities": (3, 3), "p": 1.0}


def test_a_seed_decides_everything() -> None:
    """Corruption, severity and noise follow from the seed; another seed decides anew."""
    sampler = Sampler("core", p=0.5)
    again = [sampler(IMAGE, seed) for seed in range(200)]
    assert all(np.array_equal(sampler(IMAGE, seed), found) for seed, found in enumerate(again))
    drawn = [sampler.draw(seed) for seed in range(2000)]
    happened = [one for one in drawn if one is not None]
    assert 0.45 < len(happened) / len(drawn) < 0.55
    counts = {(one.name, severity) for one, severity, _ in happened}
    assert counts == {(one.name, severity) for one in sampler.corruptions for severity in range(1, 6)}


def test_severities_are_within_the_range() -> None:
    sampler = Sampler(["contrast", "brightness"], severities=(2, 4), p=1)
    assert {drawn[1] for seed in range(100) if (drawn := sampler.draw(seed))} == {2, 3, 4}


def test_pixels_are_those_of_corrupt() -> None:
    sampler = Sampler("gaussian_noise", **ALWAYS)
    _, severity, rng = sampler.draw(7) or pytest.fail("it always happens")
    assert np.array_equal(sampler(IMAGE, 7), corrupt(IMAGE, "gaussian_noise", severity, rng))


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (IMAGE.astype(np.float32) / 255, None),
        (IMAGE.astype(np.float64) / 255, (0.0, 1.0)),
        (IMAGE.astype(np.float32) * 8 - 1000, (-1000.0, 1040.0)),
        (IMAGE.astype(np.uint16) * 257, (0, 65535)),
        (IMAGE[..., :1].astype(np.int16) * 8 - 1000, (-1000, 1040)),
    ],
    ids=["float32", "float64", "float range", "16 bits", "grey, signed"],
)
def test_other_types_are_corrupted_as_levels_between_black_and_white(
    values: np.ndarray, limits: tuple[float, float] | None
) -> None:
    bytes_ = IMAGE[..., :1] if values.shape[2] == 1 else IMAGE
    found = Sampler("contrast", value_range=limits, **ALWAYS)(values, 0)
    low, high = limits or (0.0, 1.0)
    expected = corrupt(bytes_[..., 0] if values.shape[2] == 1 else bytes_, "contrast", 3)
    assert found.dtype == values.dtype
    assert found.shape == values.shape
    assert np.allclose(
        found,
        expected.reshape(found.shape) / 255 * (high - low) + low,
        atol=0.51e-6 * (high - low) + (0.5 if found.dtype.kind in "iu" else 0),
    )


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (IMAGE.astype(np.float32), "outside 0 to 1: give value_range"),
        (np.full((32, 32), np.nan, np.float32), "outside 0 to 1"),
        (IMAGE.astype(np.uint16), "which values of uint16 are black and white is not known"),
        (IMAGE[..., :2], "shape"),
    ],
    ids=["not scaled", "NaN", "no range", "two channels"],
)
def test_what_cannot_be_right_is_refused(values: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Sampler("contrast", **ALWAYS)(values, 0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"corruptions": "contrasts"}, "did you mean 'contrast'"),
        ({"corruptions": []}, "no corruption is given"),
        ({"corruptions": "core", "severities": (0, 3)}, "from 1 to 5"),
        ({"corruptions": "core", "severities": (4, 3)}, "from 1 to 5"),
        ({"corruptions": "core", "p": 1.5}, "probability"),
        ({"corruptions": "core", "value_range": (1, 0)}, "black"),
    ],
    ids=str,
)
def test_bad_options_are_refused_when_given(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Sampler(**options)


class TestTorchvision:
    """``medimeta_corruptions.transforms.torchvision.RandomCorruption``."""

    @pytest.fixture
    def torch(self) -> Any:
        return pytest.importorskip("torch", reason="needs torch and torchvision")

    @pytest.fixture
    def make(self, torch: Any) -> Any:
        pytest.importorskip("torchvision", reason="needs torch and torchvision")
        from medimeta_corruptions.transforms.torchvision import RandomCorruption

        return RandomCorruption

    def test_a_tensor_has_its_channels_first(self, torch: Any, make: Any) -> None:
        found = make("contrast", **ALWAYS)(torch.from_numpy(IMAGE).permute(2, 0, 1))
        assert np.array_equal(found.permute(1, 2, 0).numpy(), corrupt(IMAGE, "contrast", 3))

    @pytest.mark.parametrize("kind", ["Image", "PIL", "float"])
    def test_images_keep_their_kind(self, torch: Any, make: Any, kind: str) -> None:
        from PIL import Image
        from torchvision import tv_tensors

        chw = torch.from_numpy(IMAGE).permute(2, 0, 1)
        given = {"Image": tv_tensors.Image(chw), "PIL": Image.fromarray(IMAGE), "float": chw / 255}[kind]
        found = make("contrast", **ALWAYS)(given)
        assert type(found) is type(given)

    def test_images_of_a_batch_differ_and_frames_of_a_video_do_not(self, torch: Any, make: Any) -> None:
        from torchvision import tv_tensors

        batch = torch.full((4, 1, 32, 32), 128, dtype=torch.uint8)
        noisy = make("gaussian_noise", **ALWAYS)
        found = noisy(batch)
        assert len({one.numpy().tobytes() for one in found}) == 4
        frames = noisy(tv_tensors.Video(batch))
        assert len({one.numpy().tobytes() for one in frames}) == 1

    def test_labels_boxes_and_masks_stay(self, torch: Any, make: Any) -> None:
        from torchvision import tv_tensors

        mask = tv_tensors.Mask(torch.ones(32, 40))
        sample = {
            "image": tv_tensors.Image(torch.from_numpy(IMAGE).permute(2, 0, 1)),
            "mask": mask,
            "label": 3,
        }
        found = make("contrast", **ALWAYS)(sample)
        assert found["label"] == 3
        assert torch.equal(found["mask"], mask)
        assert not torch.equal(found["image"], sample["image"])

    def test_workers_do_not_repeat_each_other_and_a_run_can_be_repeated(self, torch: Any, make: Any) -> None:
        from torch.utils.data import DataLoader

        def run(seed: int) -> list[bytes]:
            torch.manual_seed(seed)
            loader = DataLoader(_Grey(make("gaussian_noise", **ALWAYS)), batch_size=2, num_workers=2)
            return [one.numpy().tobytes() for _ in range(2) for batch in loader for one in batch]

        first = run(0)
        assert len(set(first)) == 16  # two epochs of eight images
        assert run(0) == first
        assert run(1) != first

    def test_other_channels_are_refused(self, torch: Any, make: Any) -> None:
        with pytest.raises(ValueError, match="1 or 3 channels"):
            make("contrast", **ALWAYS)(torch.zeros(4, 32, 32))


class _Grey:
    """Eight grey images, transformed."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        import torch

        return self.transform(torch.full((1, 32, 32), 128, dtype=torch.uint8))


class TestAlbumentations:
    """``medimeta_corruptions.transforms.albumentations.RandomCorruption``."""

    @pytest.fixture
    def make(self) -> Any:
        pytest.importorskip("albumentations", reason="needs albumentations 2.0 or later")
        from medimeta_corruptions.transforms.albumentations import RandomCorruption

        return RandomCorruption

    def test_an_image_has_its_channels_last(self, make: Any) -> None:
        found = make("contrast", **ALWAYS)(image=IMAGE)["image"]
        assert np.array_equal(found, corrupt(IMAGE, "contrast", 3))

    def test_a_seeded_pipeline_repeats_itself(self, make: Any) -> None:
        import albumentations

        def run(seed: int) -> list[bytes]:
            pipeline = albumentations.Compose([make("core", p=0.9)], seed=seed)
            return [pipeline(image=IMAGE)["image"].tobytes() for _ in range(8)]

        assert run(0) == run(0) != run(1)
        assert len(set(run(0))) > 4

    def test_masks_stay(self, make: Any) -> None:
        mask = np.ones(IMAGE.shape[:2], np.uint8)
        found = make("gaussian_noise", **ALWAYS)(image=IMAGE, mask=mask)
        assert np.array_equal(found["mask"], mask)


def test_every_group_is_of_registered_corruptions() -> None:
    from medimeta_corruptions import GROUPS

    for group in GROUPS.values():
        assert all(CORRUPTIONS[one.name] is one for one in group)
