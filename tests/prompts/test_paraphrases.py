"""Paraphrases: at least twenty for every dataset, all different, and none that hides a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from medimeta_c.errors import ConfigError
from medimeta_c.format.suites import CORE
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.paraphrases import PARAPHRASES, load_paraphrases, normalised, paraphrases_of
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.sources.catalog import catalog

KNOWN = {
    name: tuple(row.label for row in load_prompts("ensemble").describe(name))
    for name in PROMPTS["ensemble"].datasets
}


def shipped(dataset: str, class_names: tuple[str, ...], modality: str) -> list[list[str]]:
    """The texts of each shipped paraphrase."""
    book = load_paraphrases(PARAPHRASES, load_prompts())
    found = paraphrases_of(book, dataset, class_names, modality=modality)
    return [[text for (text,) in one.prompts] for one in found]


@pytest.mark.parametrize("dataset", KNOWN)
def test_every_dataset_has_twenty_distinct_paraphrases(dataset: str) -> None:
    """All texts of a dataset are different after normalisation, whatever the class and the paraphrase."""
    texts = shipped(dataset, KNOWN[dataset], catalog()[dataset].modality)
    assert len(texts) >= 20
    plain = [normalised(text) for each in texts for text in each]
    assert len(set(plain)) == len(plain)


@pytest.mark.parametrize("dataset", KNOWN)
def test_texts_of_a_paraphrase_differ_in_the_class_alone(dataset: str) -> None:
    """The words of the class stand in each text; without them, all classes are asked alike."""
    book = load_paraphrases(PARAPHRASES, load_prompts())
    for one in paraphrases_of(book, dataset, KNOWN[dataset], modality=catalog()[dataset].modality):
        texts = [text for (text,) in one.prompts]
        assert all(words in text for words, text in zip(one.class_words, texts, strict=True))
        frames = {text.replace(words, "{}", 1) for words, text in zip(one.class_words, texts, strict=True)}
        assert len(frames) == 1


@pytest.mark.parametrize("dataset", CORE.headline["medimeta"])
def test_the_five_have_wording_of_their_own(dataset: str) -> None:
    """Their templates are not the general ones, but for the bare class."""
    own, general = PROMPTS[PARAPHRASES].datasets[dataset].templates, PROMPTS[PARAPHRASES].templates
    assert set(own) & set(general) == {"{class}"}


@pytest.mark.parametrize(
    "modality", ["Medical Image", "image", "photo", "medical image", "figure", "retinal OCT"]
)
def test_general_paraphrases_stay_distinct_whatever_the_modality(modality: str) -> None:
    """Other people's data has a word of its own for its images, which must not make two templates one."""
    texts = shipped("our_clinic", ("polyp", "no polyp"), modality)
    assert len(texts) == len(PROMPTS[PARAPHRASES].templates) >= 20
    assert any(modality in text for text, _ in texts)


def test_a_paraphrase_is_the_prompt_of_a_run_of_its_own(tmp_path: Path) -> None:
    """A file with that one template asks exactly the same texts."""
    book = load_paraphrases(PARAPHRASES, load_prompts())
    one = paraphrases_of(book, "oct", KNOWN["oct"], modality="")[3]
    template = PROMPTS[PARAPHRASES].datasets["oct"].templates[3]
    file = tmp_path / "one.yaml"
    file.write_text(f"version: 1\nextends: ensemble\ntemplates: ['{template}']\n", encoding="utf-8")
    alone = load_prompts(file).prompts("oct", KNOWN["oct"], modality="")
    assert PromptsRecord.asked("a", [alone]).digest == PromptsRecord.asked("b", [one]).digest


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_words_of_the_runs_own_file_stand_in_shipped_paraphrases(tmp_path: Path) -> None:
    """Labels without letters have no words but the user's; the templates stay the shipped ones."""
    run = load_prompts(
        write(
            tmp_path,
            "version: 1\ntemplates: ['only {class}']\n"
            "datasets: {clinic: {modality: cystoscopy, classes: {'0': no tumour, '1': tumour}}}",
        )
    )
    book = load_paraphrases(PARAPHRASES, run)
    found = paraphrases_of(book, "clinic", ("0", "1"), modality="")
    assert len(found) == len(PROMPTS[PARAPHRASES].templates)
    assert found[3].prompts == (("cystoscopy of no tumour",), ("cystoscopy of tumour",))
    assert (book.name, book.revision) == (PARAPHRASES, PROMPTS[PARAPHRASES].revision)


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ("['{class}']", "two paraphrases or more, and oct has one"),
        ("['a scan of {class}', 'A scan of {class}.']", "the same but for case and punctuation"),
        ("['a {modality} of {class}', 'a photo of {class}']", "the same but for case and punctuation"),
        ("['a scan', 'b {class}']", "no {class}"),
        ("['a {organ} of {class}', 'b {class}']", "placeholder other than"),
    ],
)
def test_a_file_that_cannot_be_swept_is_refused(tmp_path: Path, templates: str, message: str) -> None:
    file = write(tmp_path, f"version: 1\ntemplates: {templates}\ndatasets: {{oct: {{modality: photo}}}}")
    with pytest.raises(ConfigError) as caught:
        paraphrases_of(load_paraphrases(file, load_prompts()), "oct", KNOWN["oct"], modality="")
    assert message in str(caught.value)


def test_a_run_whose_file_says_only_words_for_classes_is_swept(tmp_path: Path) -> None:
    """Its file need not say a modality; the shipped paraphrases then have the dataset's own."""
    path = tmp_path / "own.yaml"
    path.write_text("version: 1\ndatasets: {rays: {classes: {a: clear, b: dense}}}\n")
    book = load_paraphrases(PARAPHRASES, load_prompts(path))
    found = paraphrases_of(book, "rays", ("a", "b"), modality="radiograph")
    assert all(one.class_words == ("clear", "dense") for one in found)
    assert any("radiograph" in text for one in found for (text,) in one.prompts)
