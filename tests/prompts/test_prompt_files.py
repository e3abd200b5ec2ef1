"""``--prompts FILE``: what a user's file may say, what it changes, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medimeta_c.errors import ConfigError
from medimeta_c.prompts.files import PROMPTS, PromptSet
from medimeta_c.prompts.templates import load_prompts
from medimeta_corruptions import registry

OCT = ("CNV", "DME", "DRUSEN", "NORMAL")
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of prompts."""

    def _write(text: str) -> Path:
        file = tmp_path / "mine.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return _write


def test_a_file_changes_what_it_says_and_no_more(write: Write) -> None:
    """One label's words; everything else is the paper's."""
    book = load_prompts(write("version: 1\ndatasets: {oct: {classes: {CNV: wet macular degeneration}}}"))
    asked = book.prompts("oct", OCT, modality="")
    paper = load_prompts("paper").prompts("oct", OCT, modality="")
    assert asked.prompts == (("A photo of a Retinal OCT wet macular degeneration",), *paper.prompts[1:])
    assert book.prompts("pneumonia", ["NORMAL", "VIRUS"], modality="").class_words == ("normal", "virus")
    assert [row.said_by for row in book.describe("oct")] == ["mine", "paper", "paper", "paper"]
    assert (book.name, book.revision) == ("mine", 1)


def test_a_file_may_extend_another_set_and_name_itself(write: Write) -> None:
    """Its modality and templates go before the extended set's, for one dataset or for all."""
    book = load_prompts(
        write(
            "version: 1\nname: ours\nrevision: 3\nextends: ensemble\ntemplates: ['{modality}, {class}']\n"
            "datasets:\n  oct: {modality: OCT}\n  fundus: {templates: ['{class} ({dataset})']}\n"
        )
    )
    assert (book.name, book.revision) == ("ours", 3)
    assert book.prompts("oct", OCT, modality="").prompts[2] == ("OCT, drusen",)
    assert book.prompts("fundus", ["abnormal"], modality="").prompts == (("abnormal retina (fundus)",),)


def test_a_file_may_start_from_nothing(write: Write) -> None:
    """With `extends: null`, labels are themselves and the modality is the data's."""
    book = load_prompts(write("version: 1\nextends: null\ntemplates: ['{modality} {class}']"))
    assert book.prompts("oct", OCT, modality="scan").prompts[0] == ("scan CNV",)


def test_a_shipped_set_can_be_copied_into_a_file(write: Write) -> None:
    """The format is the same: the shipped `paper` document under another name asks the same."""
    shipped = resources.files("medimeta_c.prompts").joinpath("prompts.yaml").read_text(encoding="utf-8")
    (document,) = [part for part in shipped.split("\n---\n") if "\nname: paper\n" in part]
    book = load_prompts(write(document.replace("name: paper", "name: copy")))
    assert book.prompts("oct", OCT, modality="") == load_prompts("paper").prompts("oct", OCT, modality="")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"\xef\xbb\xbfversion: 1\r\n")
    assert load_prompts(file).name == "mine"


def test_words_for_a_label_that_the_data_lacks_are_refused(write: Write) -> None:
    """A misspelt label would change nothing, so it is named, with the nearest."""
    book = load_prompts(write("version: 1\ndatasets: {oct: {classes: {DRUSSEN: drusen}}}"))
    with pytest.raises(
        ConfigError, match=r"mine\.yaml: dataset 'oct': unknown label 'DRUSSEN': did you mean 'DRUSEN'"
    ):
        book.prompts("oct", OCT, modality="")


def test_words_for_another_task_are_fine(write: Write) -> None:
    """One file serves all tasks of a dataset: labels that a shipped set knows are no slip."""
    book = load_prompts(write("version: 1\ndatasets: {pneumonia: {classes: {PNEUMONIA: pneumonia signs}}}"))
    asked = book.prompts("pneumonia", ["NORMAL", "BACTERIA", "VIRUS"], modality="")
    assert asked.class_words == ("normal", "bacteria", "virus")


def test_a_dataset_that_nobody_knows_is_refused(write: Write) -> None:
    """Neither the shipped sets' nor the benchmark's: named, with the nearest."""
    book = load_prompts(write("version: 1\ndatasets: {pmeumonia: {modality: X-ray}, mine: {modality: MRI}}"))
    with pytest.raises(ConfigError, match="unknown dataset 'pmeumonia': did you mean 'pneumonia'"):
        book.require_known(["mine"])
    book.require_known(["mine", "pmeumonia"])
    load_prompts("paper").require_known([])


def test_words_that_make_two_labels_one_are_refused(write: Write) -> None:
    """No model can tell classes apart that have the same text."""
    book = load_prompts(write("version: 1\ndatasets: {oct: {classes: {CNV: Normal}}}"))
    with pytest.raises(ConfigError, match="labels 'CNV' and 'NORMAL' have the same words"):
        book.prompts("oct", OCT, modality="")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at the top: Input should be an object"),
        ("- version: 1", "at the top: Input should be an object"),
        ("paper", "at the top: Input should be an object"),
        ("templates: ['{class}']", "at version: Field required"),
        ("version: '1'", "at version: Input should be a valid integer"),
        ("version: true", "at version: Input should be a valid integer"),
        ("version: 2", "at version: Input should be less than or equal to 1"),
        ("version: 1\nrevision: 0", "at revision: Input should be greater than or equal to 1"),
        ("version: 1\nrevision: yes", "at revision: Input should be a valid integer"),
        ("version: 1\nname: paper", "the name 'paper' belongs to a shipped set"),
        ("version: 1\nname: [a]", "at name: Input should be a valid string"),
        ("version: 1\nextends: papr", "'extends' must be null or one of ensemble, paper, reference"),
        ("version: 1\nextends: null", "needs 'templates'"),
        ("version: 1\ntemplate: ['{class}']", "at template: Extra inputs are not permitted"),
        ("version: 1\ntemplates: '{class}'", "at templates: Input should be a valid array"),
        ("version: 1\ntemplates: []", "at templates: Tuple should have at least 1 item"),
        ("version: 1\ntemplates: [a photo]", "has no {class}"),
        ("version: 1\ntemplates: ['{{class}}']", "has no {class}"),
        (
            "version: 1\ntemplates: ['{class} {colour}']",
            "placeholder other than {class}, {modality}, {dataset}",
        ),
        ("version: 1\ntemplates: ['{class} {}']", "placeholder other than"),
        ("version: 1\ntemplates: ['{class.__init__}']", "placeholder other than"),
        ("version: 1\ntemplates: ['{class!r}']", "placeholder other than"),
        ("version: 1\ntemplates: ['{class:>999999999}']", "placeholder other than"),
        ("version: 1\ntemplates: ['{class']", "unmatched brace"),
        ("version: 1\ntemplates: ['{class} }']", "unmatched brace"),
        ("version: 1\ntemplates: ['{class}', '{class}']", "duplicate template"),
        ("version: 1\ntemplates: [{class}]", "at templates.0: Input should be a valid string"),
        ('version: 1\ntemplates: ["{class}\\n"]', "control character or line break"),
        ('version: 1\ntemplates: ["{class}\\u202e"]', "control character or line break"),
        ("version: 1\ntemplates: ['{class}  x']", "white space"),
        ('version: 1\ntemplates: ["{class}\\u00a0x"]', "white space"),
        ("version: 1\ntemplates: ['{class} " + "x" * 300 + "']", "308 characters"),
        ("version: 1\ndatasets: [oct]", "at datasets: Input should be an object"),
        ("version: 1\ndatasets: {../oct: {}}", "dataset name '../oct' is not usable"),
        ("version: 1\ndatasets: {oct: null}", "at datasets.oct: Input should be an object"),
        ("version: 1\ndatasets: {oct: {class: {}}}", "at datasets.oct.class: Extra inputs are not permitted"),
        ("version: 1\ndatasets: {oct: {modality: ''}}", "at datasets.oct.modality: the text is empty"),
        ("version: 1\ndatasets: {oct: {classes: {0: a}}}", "reads the name 0 in it as a number"),
        ("version: 1\ndatasets: {oct: {classes: {NO: a}}}", "reads the name False in it as true/false"),
        (
            "version: 1\ndatasets: {oct: {classes: {CNV: yes}}}",
            "at datasets.oct.classes.CNV: Input should be a valid string",
        ),
        (
            "version: 1\ndatasets: {oct: {classes: {CNV: null}}}",
            "at datasets.oct.classes.CNV: Input should be a valid string",
        ),
        ("version: 1\ndatasets: {oct: {modality: null}}", "at datasets.oct.modality: Input should be"),
        (
            "version: 1\ndatasets: {oct: {classes: {CNV: 2024-01-01}}}",
            "is not a text, number or yes/no (Object of type date",
        ),
        ("version: 1\nversion: 1", "duplicate key 'version'"),
        ("version: 1\ndatasets: {oct: {classes: {A: b, A: c}}}", "duplicate key 'A'"),
        ("version: 1\ndatasets: {oct: &a {}, fundus: {<<: *a}}", "merge key '<<' is not supported"),
        ("version: 1\n---\nversion: 1", "is not valid YAML (but found another document)"),
        ("version: [1", "is not valid YAML"),
        ("version: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        ('version: !!int ""', "is not valid YAML"),
        ("version: !!bool x", "is not valid YAML"),
        ("version: !!timestamp x", "is not valid YAML"),
        ("version: 2024-99-99", "is not valid YAML"),
        ("version: \x07", "is not valid YAML"),
        ("? [a]\n: b", "is not valid YAML"),
        ("version: 1\ntemplates: " + "[" * 3000, "is not valid YAML"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_one_sentence(write: Write, text: str, message: str) -> None:
    """The message names the file and the mistake, on one line of its own characters."""
    file = write(text)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_prompts(file)
    assert str(file) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """Neither bytes that are not UTF-8, nor a file too large to be prompts."""
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_prompts(file)
    file.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match="larger than"):
        load_prompts(file)


def test_aliases_cannot_make_a_message_huge(write: Write) -> None:
    """A nest of aliases is refused by its kind, never printed."""
    nest = "version: 1\nname: &l0 [x]\n" + "".join(
        f"k{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 12)
    )
    with pytest.raises(ConfigError) as caught:
        load_prompts(write(nest + "templates: [*l11]"))
    assert len(str(caught.value)) < 500
    with pytest.raises(ConfigError, match="contains it"):
        load_prompts(write("version: 1\ntemplates: &t [*t]"))


def test_neither_a_set_nor_a_file(tmp_path: Path) -> None:
    """A name gets the nearest name; a path, what the system says."""
    with pytest.raises(
        ConfigError, match=r"'papr': did you mean 'paper'.*give `prompts` the path of a YAML file"
    ):
        load_prompts("papr")
    with pytest.raises(ConfigError, match=r"absent\.yaml is missing"):
        load_prompts(str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_prompts(tmp_path)
    with pytest.raises(ConfigError, match="null"):
        load_prompts("a\0.yaml")


words = st.text(st.characters(categories=["L", "Nd", "P", "S"]), min_size=1, max_size=10)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
# Not line breaks: the writer leaves U+0085 and its like bare, and YAML folds them.
labels = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(classes=st.dictionaries(labels, phrases, min_size=1, max_size=4), modality=phrases)
def test_what_a_file_says_is_what_is_asked(write: Write, classes: dict[str, str], modality: str) -> None:
    """Written by any YAML writer, labels and words of any script arrive in the prompts unchanged."""
    document: dict[str, Any] = {
        "version": 1,
        "extends": None,
        "templates": ["{modality}|{class}"],
        "datasets": {"mine": {"modality": modality, "classes": classes}},
    }
    book = load_prompts(write(yaml.safe_dump(document, allow_unicode=True)))
    assert {row.label: row.words for row in book.describe("mine")} == classes
    if len({text.casefold() for text in classes.values()}) == len(classes):
        asked = book.prompts("mine", list(classes), modality="unused")
        assert [texts for (texts,) in asked.prompts] == [f"{modality}|{text}" for text in classes.values()]


def test_shipped_sets_are_named_once_and_described() -> None:
    """Every shipped set states its name, extends a shipped set or none, and says what it is."""
    for name, one in PROMPTS.items():
        assert one.name == name
        assert one.extends is None or one.extends in PROMPTS
        assert one.description
        assert one.templates


def test_another_distribution_adds_a_set(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point is a set by its name: it may extend ours, and a user's file may extend it."""

    class Entry:
        name, value = "clinic", "clinic:PROMPTS"
        dist = SimpleNamespace(name="clinic-prompts", version="2.0")

        @staticmethod
        def load() -> PromptSet:
            return PromptSet(version=1, name="clinic", templates=("seen in clinic: {class}",))

    monkeypatch.setattr(registry, "_scan", lambda group: (Entry,))
    monkeypatch.setattr(PROMPTS, "_loaded", {})
    asked = load_prompts("clinic").prompts("oct", OCT, modality="")
    assert asked.prompts[0] == ("seen in clinic: cnv",)
    book = load_prompts(write("version: 1\nextends: clinic\ndatasets: {oct: {classes: {CNV: wet}}}"))
    assert book.prompts("oct", OCT, modality="").prompts[:2] == (
        ("seen in clinic: wet",),
        ("seen in clinic: dme",),
    )
    with pytest.raises(
        ConfigError, match="known: ensemble, paper, reference, reference-order, paraphrases, clinic"
    ):
        load_prompts("clinics")


def test_sets_that_extend_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in's mistake is a sentence, not a loop."""

    class Entry:
        name, value, dist = "round", "clinic:ROUND", SimpleNamespace(name="clinic-prompts", version="2.0")

        @staticmethod
        def load() -> PromptSet:
            return PromptSet(version=1, name="round", extends="round")

    monkeypatch.setattr(registry, "_scan", lambda group: (Entry,))
    monkeypatch.setattr(PROMPTS, "_loaded", {})
    with pytest.raises(ConfigError, match="'round' extends itself"):
        load_prompts("round")
