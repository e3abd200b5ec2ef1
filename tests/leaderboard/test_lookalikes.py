"""Names that could be taken for others are pointed out, never refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard.lookalikes import Named, folded, likeness, oddities
from medimeta_c.leaderboard.validation import validate
from medimeta_c.results.folder.saved import SavedResult

ER, ALPHA = "\N{CYRILLIC CAPITAL LETTER ER}", "\N{GREEK SMALL LETTER ALPHA}"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (f"BioMedCLI{ER}", "mixes CYRILLIC and LATIN letters in one word: U+0420"),
        (f"{ALPHA}CLIP", "mixes GREEK and LATIN letters in one word: U+03B1"),
        (
            "\N{CYRILLIC CAPITAL LETTER ES}\N{CYRILLIC CAPITAL LETTER ER}",
            "a word of CYRILLIC letters that look like",
        ),
        ("CLIP\N{VARIATION SELECTOR-16}", "invisible characters: U+FE0F"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER C}LIP", "styled letters in place of plain ones: U+FF23"),
        ("\N{MATHEMATICAL BOLD CAPITAL C}LIP", "styled letters in place of plain ones: U+1D402"),
    ],
)
def test_odd_letters_are_named_by_their_code(name: str, sentence: str) -> None:
    """The sentence says which character, since it cannot be seen."""
    (found,) = oddities(name, "name")
    assert found.startswith("its name ")
    assert sentence in found


@pytest.mark.parametrize(
    "name",
    [
        "BiomedCLIP (ensemble)",
        "ResNet β",
        "Université de Genève",
        "Модель",
        "医用画像モデル",
        "ViT-B/16",
        "Zürich",
        unicodedata.normalize("NFD", "Genève"),
    ],
)
def test_ordinary_names_of_any_language_are_not_odd(name: str) -> None:
    """A whole word of another script is a word of that language."""
    assert not list(oddities(name, "name"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BiomedCLIP", f"BiomedCLI{ER}"),
        ("OpenAI", "0penAl"),
        ("Modern", "Modem"),
        ("Tiny CLIP", "Tiny-CLIP"),
        ("Tiny CLIP", "TINY CLIP"),
        ("Genève", "Geneve"),
        ("CLIP", "\N{FULLWIDTH LATIN CAPITAL LETTER C}LIP"),
    ],
)
def test_names_that_look_alike_fold_to_one(one: str, other: str) -> None:
    """And the entry of one is pointed out to the keeper who checks the other."""
    assert folded(one) == folded(other)
    ours, theirs = Named(name=one, organisation="A"), Named(name=other, organisation="B")
    assert list(likeness(ours, [theirs])) == [f"its name looks like that of the entry {other} of B"]


@pytest.mark.parametrize(("one", "other"), [("CLIP", "CLIP+"), ("ViT-B/16", "ViT-B/32"), ("v1.1", "v11")])
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    """Signs that mean something are kept."""
    assert folded(one) != folded(other)


def test_the_same_makers_may_use_their_name_again() -> None:
    """On another benchmark, say; the name of others is pointed out."""
    ours = Named(name="CLIP", organisation="OpenAI")
    assert not list(likeness(ours, [ours]))
    assert list(likeness(ours, [Named(name="CLIP", organisation="Others")])) == [
        "its name is that of the entry CLIP of Others"
    ]
    assert list(likeness(ours, [Named(name="Other", organisation="0penAI")])) == [
        "its organisation looks like that of the entry Other of 0penAI"
    ]


@given(st.text(max_size=40))
def test_folding_takes_any_text(text: str) -> None:
    """It never fails, and what it returns does not fold further into something else's place."""
    assert folded(folded(text)) == folded(folded(folded(text)))
    assert all("\n" not in sentence for sentence in oddities(text, "name"))


def test_validate_warns_and_takes_it(
    submitted: Callable[..., Path], benchmark: Benchmark, tmp_path: Path, weak: SavedResult
) -> None:
    """In the terminal and as JSON; the exit code stays 0."""
    submitted(root=tmp_path / "board")
    submitted(weak, root=tmp_path / "pull", name=f"Tiny CLI{ER}", organisation="Others")
    (found,) = validate([tmp_path / "pull"], None, among=tmp_path / "board")
    assert found.ok
    assert found.warnings == (
        f"its name mixes CYRILLIC and LATIN letters in one word: U+0420 ({unicodedata.name(ER)})",
        "its name looks like that of the entry Tiny CLIP of Example Laboratory",
    )
    shown = CliRunner().invoke(
        app, ["leaderboard", "validate", str(tmp_path / "pull"), "--among", str(tmp_path / "board")]
    )
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("        warning: its name") == 2


def test_two_new_submissions_are_compared_with_each_other(
    submitted: Callable[..., Path], weak: SavedResult, tmp_path: Path
) -> None:
    """The later one is pointed out."""
    submitted(name=f"Tiny CLI{ER}", organisation="An imitator")
    submitted(weak, name="Tiny CLIP", organisation="Example Laboratory")
    first, second = validate([tmp_path], None)
    assert len(first.warnings) == 1
    assert second.warnings == (f"its name looks like that of the entry Tiny CLI{ER} of An imitator",)
