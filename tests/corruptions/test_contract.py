"""Every corruption at every severity keeps the array contract; a new one is tested on arrival.

Clinical ones, which take images of one kind and of 28 pixels a side or more, are tested in ``clinical``.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from corruption_images import natural
from hypothesis import given, settings
from hypothesis import strategies as st

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, Pixels, corrupt
from medimeta_corruptions.clinical import CLINICAL
from medimeta_corruptions.imagenet_c import IMAGENET_C

NAMES = [name for name, corruption in CORRUPTIONS.items() if corruption not in CLINICAL]

every = pytest.mark.parametrize("name", NAMES)
each_severity = pytest.mark.parametrize("severity", SEVERITIES)
each_depth = pytest.mark.parametrize("channels", [1, 3])


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def test_registry_is_in_the_papers_order() -> None:
    """The seven of the paper come first, in its order, each under its own name."""
    core = (
        "gaussian_noise",
        "impulse_noise",
        "motion_blur",
        "zoom_blur",
        "brightness",
        "contrast",
        "pixelate",
    )
    assert tuple(CORRUPTIONS)[: len(core)] == core
    assert repr(CORRUPTIONS).startswith(f"<{len(CORRUPTIONS)} corruptions: gaussian_noise, impulse_noise, ")
    assert all(name == corruption.name for name, corruption in CORRUPTIONS.items())


@every
def test_record_describes_itself(name: str) -> None:
    """A record has what a severity table needs: a description, a parameter and five different labels."""
    corruption = CORRUPTIONS[name]
    assert corruption.description.endswith(".")
    assert "\n" not in corruption.description
    assert corruption.parameter
    assert len(set(corruption.labels)) == len(SEVERITIES)


@every
@each_severity
@each_depth
def test_output_is_a_new_image_like_the_input(name: str, severity: int, channels: int) -> None:
    """Same shape and dtype, C-contiguous, writable, sharing no memory; the input stays as it was."""
    image = natural(31, 46, channels)
    before = image.copy()
    out = corrupt(image, name, severity, seeded())
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.uint8
    assert out.shape == image.shape
    assert out.flags.c_contiguous
    assert out.flags.writeable
    assert not np.shares_memory(out, image)
    np.testing.assert_array_equal(image, before)
    # A grey image has no colours to change.
    assert (out != image).any() == ((name, channels) != ("saturate", 1))


@every
@each_severity
@each_depth
def test_same_seed_same_bytes(name: str, severity: int, channels: int) -> None:
    """Equal generators give equal images; other ones give other images exactly if it is stochastic."""
    image = natural(31, 46, channels)
    out = corrupt(image, name, severity, seeded(1))
    np.testing.assert_array_equal(out, corrupt(image, name, severity, seeded(1)))
    differs = bool((out != corrupt(image, name, severity, seeded(2))).any())
    assert differs == CORRUPTIONS[name].stochastic


@every
def test_rng_is_consumed_only_by_stochastic_corruptions(name: str) -> None:
    """A generator has moved on after a stochastic corruption, and is untouched after any other."""
    rng = seeded()
    corrupt(natural(8, 8, 1), name, 1, rng)
    moved = bool(rng.random() != seeded().random())
    assert moved == CORRUPTIONS[name].stochastic


@every
@each_severity
def test_global_state_is_neither_used_nor_changed(name: str, severity: int) -> None:
    """The global NumPy generator stays where it was."""
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002 - the global state is what is tested
    corrupt(natural(16, 16, 3), name, severity, seeded())
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {record.name for record in IMAGENET_C}]
)
@each_depth
def test_change_grows_with_severity(name: str, channels: int) -> None:
    """On a natural image, each severity moves pixels further than the one below."""
    image = natural(128, 160, channels)
    change = [
        np.mean([np.abs(corrupt(image, name, severity, seeded(k)).astype(int) - image) for k in range(4)])
        for severity in SEVERITIES
    ]
    assert change == sorted(change)
    assert len(set(change)) == len(change)


@every
@each_depth
def test_layout_of_the_input_does_not_matter(name: str, channels: int) -> None:
    """Read-only arrays, strided views, reversed views and Fortran order give the bytes of a plain copy."""
    base = natural(40, 60, channels)
    read_only = base.copy()
    read_only.flags.writeable = False
    for view in (read_only, base[::2, ::3], base[::-1, ::-1], base.swapaxes(0, 1), np.asfortranarray(base)):
        expected = corrupt(np.ascontiguousarray(view), name, 3, seeded())
        np.testing.assert_array_equal(corrupt(view, name, 3, seeded()), expected)


@every
@each_depth
def test_a_subclass_counts_as_the_array_it_is(name: str, channels: int) -> None:
    """A view as a subclass, memory mapped from a file for one, gives the bytes of a plain array, as such."""

    class Sub(np.ndarray):
        pass

    base = natural(20, 30, channels)
    out = corrupt(base.view(Sub), name, 3, seeded())
    assert type(out) is np.ndarray
    np.testing.assert_array_equal(out, corrupt(base, name, 3, seeded()))


@pytest.mark.parametrize("name", ["motion_blur", "zoom_blur", "pixelate"])
@each_severity
def test_grey_is_one_channel_of_colour(name: str, severity: int) -> None:
    """Where channels are treated alike, a grey image gives a channel of the same image in colour."""
    grey = natural(45, 38, 1)
    colour = corrupt(np.stack([grey] * 3, axis=-1), name, severity, seeded())
    np.testing.assert_array_equal(corrupt(grey, name, severity, seeded()), colour[..., 0])


@every
def test_integers_of_any_kind_are_severities(name: str) -> None:
    """NumPy integers, as read from a table's column, work like int."""
    image = natural(9, 9, 1)
    np.testing.assert_array_equal(
        corrupt(image, name, np.int8(2), seeded()),
        corrupt(image, name, 2, seeded()),
    )


@st.composite
def images(draw: st.DrawFn) -> Pixels:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    shape = draw(st.sampled_from([(height, width), (height, width, 3)]))
    if draw(st.booleans()):
        return np.full(shape, draw(st.integers(0, 255)), np.uint8)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=150, deadline=None)
@given(images(), st.sampled_from(sorted(NAMES)), st.sampled_from(SEVERITIES), st.integers(0, 2**64 - 1))
def test_any_size_works(image: Pixels, name: str, severity: int, seed: int) -> None:
    """From one pixel on, any size, channel count and content gives an image, the same one twice."""
    before = image.copy()
    out = corrupt(image, name, severity, seeded(seed))
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(out, corrupt(image, name, severity, seeded(seed)))
