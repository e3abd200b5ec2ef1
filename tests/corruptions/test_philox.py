"""Compiled draws are NumPy's own: the same numbers, and the same state of the generator afterwards."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medimeta_corruptions import Rng, _jit, _philox, _ziggurat

whole_numbers = st.integers(0, 2**64 - 1)
counters = st.one_of(
    st.just(0),
    st.integers(0, 2**256 - 1),
    # Just below where one, two, three and all four words of the counter begin again.
    st.builds(lambda words, below: 2 ** (64 * words) - below, st.integers(1, 4), st.integers(1, 40)),
)
sizes = st.one_of(st.integers(0, 40), st.sampled_from([1023, 1024, 1025, 4099]))


def philox(key: int, counter: int = 0, drawn: int = 0) -> np.random.Generator:
    """A generator of which some words are drawn already, which leaves a block half used."""
    bits = np.random.Philox(key=key, counter=counter)
    bits.random_raw(drawn)
    return np.random.Generator(bits)


def same_state(one: np.random.Generator, other: np.random.Generator) -> None:
    np.testing.assert_equal(one.bit_generator.state, other.bit_generator.state)


@settings(max_examples=150, deadline=None)
@given(whole_numbers, counters, st.integers(0, 9), sizes)
@example(2**64 - 1, 2**256 - 1, 0, 1025)
def test_any_state_gives_numpys_numbers(key: int, counter: int, drawn: int, size: int) -> None:
    """Whatever the key, the counter and the place in a block."""
    ours, plain = philox(key, counter, drawn), philox(key, counter, drawn)
    np.testing.assert_array_equal(_philox.random(ours, (size,)), plain.random(size))
    same_state(ours, plain)
    np.testing.assert_array_equal(_philox.normal(ours, size), plain.standard_normal(size))
    same_state(ours, plain)


@settings(max_examples=150, deadline=None)
@given(whole_numbers, counters, st.integers(0, 9), sizes, st.sampled_from([0.0, 0.03, 0.5, 0.97, 1.0, 7.0]))
def test_numbers_that_are_not_asked_for_are_passed_over(
    key: int, counter: int, drawn: int, size: int, share: float
) -> None:
    """Blocks without a byte that is asked for are not drawn, and the state moves on all the same."""
    ours, plain = philox(key, counter, drawn), philox(key, counter, drawn)
    found = np.empty(size, np.uint8)
    _philox.at_most(ours, share, found)
    chosen = plain.random(size) <= share
    np.testing.assert_array_equal(found, chosen)
    same_state(ours, plain)
    _philox.at_most_where(ours, 0.5, found)
    np.testing.assert_array_equal(found, np.where(chosen, 1 + (plain.random(size) <= 0.5), 0))
    same_state(ours, plain)


@pytest.mark.parametrize("draw", [-1, 0, 1])
def test_a_limit_is_compared_exactly(draw: int) -> None:
    """At the very number drawn, and one unit in the last place beside it."""
    limit = philox(5).random() + draw * 2.0**-53
    found = np.empty(1, np.uint8)
    _philox.at_most(philox(5), limit, found)
    assert found[0] == (draw >= 0)


def test_every_layer_of_the_ziggurat_is_numpys() -> None:
    """In four million numbers each layer is used on both sides, its doubtful part and the tail included."""
    ours, plain, words = philox(1), philox(1), philox(1)
    raw = words.bit_generator.random_raw(4_000_000)
    found = _philox.normal(ours, len(raw) - 100_000)
    np.testing.assert_array_equal(found, plain.standard_normal(len(found)))
    same_state(ours, plain)
    # What the words would choose if each began a number, which all but a few in a hundred do.
    assert len(np.unique(raw & np.uint64(511))) == 512
    _, inner, _ = _ziggurat.layers()
    doubtful = (raw >> np.uint64(9) & np.uint64(2**52 - 1)) >= inner[raw & np.uint64(255)]
    assert len(np.unique(raw[doubtful] & np.uint64(255))) == 256
    assert (np.abs(found) > _ziggurat.EDGE).sum() > 500


def test_layers_have_one_area() -> None:
    """The tables are those of the method: boxes of one area, and the tail with its box the same."""
    width, inner, density = _ziggurat.layers()
    ends = width[1:256] * 2.0**52
    np.testing.assert_allclose(density[1:], np.exp(-0.5 * ends**2), rtol=1e-15)
    areas = ends[1:] * (density[1:-1] - density[2:])
    tail = math.sqrt(math.pi / 2) * math.erfc(_ziggurat.EDGE / math.sqrt(2))
    np.testing.assert_allclose(areas, _ziggurat.EDGE * density[-1] + tail, rtol=1e-11)
    np.testing.assert_allclose(inner[2:] * 2.0**-52, ends[:-1] / ends[1:], rtol=1e-15)


class Watched(np.random.Generator):
    """A generator that may do anything."""


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.random.default_rng(3),
        lambda: np.random.RandomState(3),
        lambda: np.random.RandomState(np.random.Philox(key=3)),
        lambda: Watched(np.random.Philox(key=3)),
        lambda: np.random.Generator(np.random.MT19937(3)),
    ],
)
def test_other_generators_draw_for_themselves(
    make: Callable[[], Rng], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No kernel draws for a generator that is not NumPy's own of Philox; its numbers are its own."""
    for name in ("_normal", "_random", "_at_most", "_at_most_where"):
        monkeypatch.delattr(_philox, name)
    ours, plain = make(), make()
    np.testing.assert_array_equal(_philox.normal(ours, 9), plain.standard_normal(9))
    np.testing.assert_array_equal(_philox.random(ours, (3, 3)), plain.random((3, 3)))
    found = np.empty(9, np.uint8)
    _philox.at_most(ours, 0.5, found)
    chosen = plain.random(9) <= 0.5
    _philox.at_most_where(ours, 0.5, found)
    np.testing.assert_array_equal(found, np.where(chosen, 1 + (plain.random(9) <= 0.5), 0))
    assert ours.random() == plain.random()


def test_numpy_draws_where_code_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process compiles for itself alone what NumPy has: the numbers are the same."""
    monkeypatch.setattr(_philox, "_kept", lambda: False)
    monkeypatch.delattr(_philox, "_normal")
    np.testing.assert_array_equal(_philox.normal(philox(4), 9), philox(4).standard_normal(9))


def test_half_words_stay_where_they_are() -> None:
    """The 32 bits that an integer has left over are still the next integer's."""
    ours, plain = philox(8), philox(8)
    for rng in (ours, plain):
        rng.integers(0, 2**32, dtype=np.uint32)
    _philox.normal(ours, 5)
    plain.standard_normal(5)
    assert (
        ours.integers(0, 2**32, 3, dtype=np.uint32).tolist()
        == plain.integers(0, 2**32, 3, dtype=np.uint32).tolist()
    )


def test_threads_that_share_a_generator_draw_each_number_once() -> None:
    """The generator's lock is held from reading its state to writing it back."""
    rng, found = philox(2), []

    def draw() -> None:
        for _ in range(50):
            found.extend(_philox.random(rng, (7,)).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(philox(2).random(4 * 50 * 7).tolist())


@given(whole_numbers, whole_numbers)
def test_products_have_their_upper_half(a: int, b: int) -> None:
    """In Python as in a kernel, where Philox's known answers depend on it."""
    assert _jit.multiply_wide(a, b) == (a * b >> 64, a * b % 2**64)
