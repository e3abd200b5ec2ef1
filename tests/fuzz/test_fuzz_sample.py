"""A sample of the fuzz suite; `scripts/fuzz` runs all of it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from fuzz_mutators import MUTATORS, passes
from fuzz_readers import READERS
from fuzz_suite import Fuzzer, tally

INPUTS = 12
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    made = Fuzzer(tmp_path_factory.mktemp("fuzz") / "corpus")
    yield made
    made.close()


@needs_linux
@pytest.mark.parametrize("name", READERS)
def test_a_reader_raises_only_our_errors(name: str, fuzzer: Fuzzer) -> None:
    """Whatever the file: read, or refused in one sentence, in bounded time and memory."""
    if READERS[name].models and any(find_spec(one) is None for one in ("torch", "safetensors")):
        pytest.skip("needs the 'evaluate' extra")
    if not fuzzer.has(name):
        pytest.skip("its seed needs an extra")
    wrong = [one for one in fuzzer.run(name, range(INPUTS)) if one["stage"] == "wrong"]
    assert not wrong, "\n".join(f"{one['index']}: {one['why']}" for one in wrong)


@needs_linux
@pytest.mark.parametrize("container", sorted(set(MUTATORS) - {"bytes"}))
def test_changed_files_are_still_of_their_container(container: str, fuzzer: Fuzzer) -> None:
    """Most of what a mutator makes reaches the reader behind the container, and is another file."""
    reader = next(one for one in READERS.values() if one.container == container)
    if container == "dicom":
        pytest.importorskip("pydicom")
    seed = (fuzzer.root / ".seeds" / reader.name).read_bytes()
    assert passes(container, seed)
    made = [MUTATORS[container](seed, random.Random(index)) for index in range(40)]
    assert sum(passes(container, data) for data in made) >= 20
    assert sum(data != seed for data in made) >= 20


def test_at_least_thirty_readers_are_named() -> None:
    """The table is of different readers, each with the code that it must reach."""
    assert len({reader.code for reader in READERS.values()}) >= 30


def test_stages_are_counted() -> None:
    """Each input once, and those of a whole container again."""
    counts: dict[str, int] = {}
    for stage, whole in (("refused", True), ("refused", True), ("container", False)):
        tally(counts, {"stage": stage, "whole": whole})
    assert counts == {"refused": 2, "whole": 2, "container": 1}
