"""Readers of what a build writes beside its shards: card, tasks, journal of an unfinished build."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_readers.entry import entry

if TYPE_CHECKING:
    from medimeta_c.format.manifest.records import Manifest

_HALF = "half-built/.medimeta-c"


@cache
def built(root: Path) -> Manifest:
    """Return a manifest that is not changed: beside it, a reader of another file is a small part."""
    from medimeta_c.format.manifest.file import read_manifest

    return read_manifest(root / "benchmark/manifest.json")


def _card(root: Path) -> None:
    from medimeta_c.card.card_check import check_card

    check_card(root / "benchmark", built(root))


def _eval_yaml(root: Path) -> None:
    from medimeta_c.card.card_check import card_problems

    list(card_problems(root / "benchmark", built(root)))


def _journal(root: Path) -> None:
    from medimeta_c.building.state.journal import Journal

    journal = Journal(root / "half-built")
    journal.finished_sets()
    for held in (journal.datasets, journal.title, journal.encoder, journal.plugins):
        del held


READERS = (
    entry(
        "card",
        "yaml",
        "benchmark/README.md",
        _card,
        code={
            "card.card_check": "check_card _card _header _problem _left_out _difference _loads "
            "_matching _patterns"
        },
    ),
    entry(
        "eval-yaml",
        "yaml",
        "benchmark/eval.yaml",
        _eval_yaml,
        code={"card.card_check": "card_problems _unnamed"},
    ),
    entry(
        "journal",
        "json",
        f"{_HALF}/build.json",
        _journal,
        code={
            "building.state.journal": "Journal._read_state Journal.finished_sets Journal.datasets "
            "Journal.title Journal.encoder Journal.plugins"
        },
    ),
    entry(
        "set-record",
        "json",
        f"{_HALF}/sets/cells-test-clean-0.json",
        _journal,
        code={"building.state.journal": "_read_record Journal.recorded_sets Journal._whole"},
    ),
)
