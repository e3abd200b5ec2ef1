"""Folders of your own images: what their info.yaml may say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from refusals import imagefolder_refused as refused

from medimeta_c.errors import ConfigError
from medimeta_c.sources.imagefolder import open_imagefolder


@pytest.mark.parametrize("name", ["info.yaml", "medimeta.yaml"])
def test_notes(flat: Path, name: str) -> None:
    """An optional file says what the images are."""
    notes = {
        "title": "Pets",
        "modality": "Photography",
        "task": "species",
        "license": "CC0",
        "citation": "Me.",
        "homepage": "https://x.org",
        "class_names": {"cat": "domestic cat"},
    }
    (flat / name).write_text(yaml.safe_dump(notes))
    info = open_imagefolder("pets", flat.parent, task="species").info
    assert (info.title, info.modality, info.task) == ("Pets", "Photography", "species")
    assert (info.license, info.citation, info.homepage) == ("CC0", "Me.", "https://x.org")
    assert info.class_names == ("domestic cat", "dog")


def test_notes_cannot_drive_a_terminal(flat: Path) -> None:
    """Escape sequences and line breaks in a title or a class name become spaces."""
    (flat / "info.yaml").write_text(r'{title: "\e[2JPets\nbuilt", class_names: {cat: "cat\e[1A"}}')
    info = open_imagefolder("pets", flat.parent).info
    assert info.title == "[2JPets built"
    assert info.class_names == ("cat [1A", "dog")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title: [", "not valid YAML"),
        (r'title: "\ud800"', "not valid YAML"),
        ("- a", "at the top: Input should be an object"),
        ("titel: Pets", "at titel: Extra inputs are not permitted"),
        ("title: 3", "at title: Input should be a valid string; correct it, with texts in quotes"),
        ("class_names: [a, b]", "at class_names: Input should be an object"),
        ("class_names: {bird: Bird}", "'bird', which is not a class folder (cat, dog)"),
        (
            "class_names: {cat: no}",
            "at class_names.cat: Input should be a valid string; correct it, with texts in quotes",
        ),
        ("class_names: {cat: dog}", "same name (dog, dog)"),
    ],
)
def test_bad_notes(flat: Path, text: str, word: str) -> None:
    """Notes that are not understood are not passed over."""
    (flat / "info.yaml").write_text(text)
    refused(flat, str(flat / "info.yaml"), word)


def test_two_notes(flat: Path) -> None:
    """Two files of notes: which holds is not known."""
    for name in ("info.yaml", "medimeta.yaml"):
        (flat / name).write_text("title: x")
    refused(flat, "both info.yaml and medimeta.yaml")


def test_task(flat: Path) -> None:
    """A folder has one task."""
    with pytest.raises(ConfigError, match="only the task 'class': leave out `task`"):
        open_imagefolder("pets", flat.parent, task="breed")
