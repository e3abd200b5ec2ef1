"""From labels to the exact texts: the shipped sets, what stands for what, record and digest."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from medimeta_c.building.medimetac.files import published
from medimeta_c.errors import ConfigError
from medimeta_c.format.suites import CORE
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import (
    ClassPrompts,
    ClassWords,
    PromptBook,
    load_prompts,
)
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.phantoms.plan import PLANS

LABELS = {
    "pbc": (
        "neutrophil",
        "eosinophil",
        "basophil",
        "lymphocyte",
        "monocyte",
        "immature granulocyte",
        "erythroblast",
        "platelet",
    ),
    "mammo_calc": ("benign", "malignant"),
    "pneumonia": ("NORMAL", "BACTERIA", "VIRUS"),
    "fundus": ("normal", "abnormal"),
    "oct": ("CNV", "DME", "DRUSEN", "NORMAL"),
    **{dataset: catalog()[dataset].class_names for dataset in CORE.headline["medmnist"]},
}

# What the paper's appendix prints, brought into the data's label order.
PRINTED = {
    "pbc": ("Cell Microscopy", LABELS["pbc"]),
    "mammo_calc": ("Breast Imaging", ("benign", "malignant")),
    "pneumonia": ("Chest X-ray", ("normal", "bacteria", "virus")),
    "fundus": ("Fundoscopy", ("normal", "abnormal")),
    "oct": ("Retinal OCT", ("cnv", "dme", "drusen", "normal")),
    "bloodmnist": (
        "Cell Microscopy",
        (
            "basophil",
            "eosinophil",
            "erythroblast",
            "granulocytes",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
    ),
    "breastmnist": ("Breast Imaging", ("malignant", "benign")),
    "pneumoniamnist": ("Chest X-ray", ("normal", "pneumonia")),
    "retinamnist": ("Fundoscopy", ("0", "1", "2", "3", "4")),
    "octmnist": (
        "Retinal OCT",
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
}

# One entry a revision: a changed text needs another revision, which makes old and new results tell apart.
PINNED = {
    ("paper", 1): "40674727d5229ef6d68f62535560a35dd88aa58360b7827d0568948209d43b42",
    ("reference", 1): "7f4354fb962dcc643651534b52212ef7a3c49bfe392d9efa3388f91f12fa2f61",
    ("reference-order", 1): "268ff1e884a7101d1cf1407c7b5f06f2525b0561fa5793acfc11743221afe768",
    ("ensemble", 1): "5418c58af257c4ab750aa4b3cc4159562b0316685057400933153e5ed0727e38",
    ("paraphrases", 1): "04f59275fd5b105a7b3afbd93218216ac5f0e8f2d56c7e9c55e2a29e5147414a",
}


def asked_of(book: PromptBook, dataset: str) -> ClassPrompts:
    return book.prompts(dataset, LABELS[dataset], modality=catalog()[dataset].modality)


def only(prompts: ClassPrompts) -> list[str]:
    """The texts of a set with one template."""
    (texts,) = zip(*prompts.prompts, strict=True)
    return list(texts)


def test_every_dataset_of_both_suites_is_here() -> None:
    """The table of labels covers the benchmark."""
    assert set(LABELS) == set(CORE.datasets) == set(PRINTED)


@pytest.mark.parametrize("dataset", LABELS)
@pytest.mark.parametrize("name", PROMPTS)
def test_every_set_asks_every_benchmark_dataset(name: str, dataset: str) -> None:
    """One text a class and template, in label order, each with the class's words, all different."""
    asked = asked_of(load_prompts(name), dataset)
    assert asked.class_names == LABELS[dataset]
    assert len(asked.prompts) == len(LABELS[dataset])
    for words, texts in zip(asked.class_words, asked.prompts, strict=True):
        own = PROMPTS[name].datasets.get(dataset)
        templates = (own and own.templates) or PROMPTS[name].templates
        assert len(set(texts)) == len(texts) == len(templates)
        assert all(words in text for text in texts)
    assert len({text for texts in asked.prompts for text in texts}) == sum(map(len, asked.prompts))


@pytest.mark.parametrize("dataset", PRINTED)
def test_paper_is_what_the_paper_prints(dataset: str) -> None:
    """Its template, its modality and its class labels, digits included."""
    modality, words = PRINTED[dataset]
    asked = asked_of(load_prompts("paper"), dataset)
    assert only(asked) == [f"A photo of a {modality} {one}" for one in words]


def test_paper_is_the_default() -> None:
    """Without a name, the benchmark's own protocol."""
    assert load_prompts() == load_prompts("paper")
    assert load_prompts().name == "paper"


def test_reference_has_the_labels_as_they_are() -> None:
    """The data's spelling and the dataset's id; the code's own spelling where it differs."""
    book = load_prompts("reference")
    assert only(asked_of(book, "oct")) == [
        "a medical image of a CNV belonging to oct",
        "a medical image of a DME belonging to oct",
        "a medical image of a DRUSEN belonging to oct",
        "a medical image of a NORMAL belonging to oct",
    ]
    assert only(asked_of(book, "breastmnist")) == [
        "a medical image of a malignant belonging to breastmnist",
        "a medical image of a normal, benign belonging to breastmnist",
    ]
    assert only(asked_of(book, "retinamnist"))[4] == "a medical image of a 4 belonging to retinamnist"


# The reference code's lists, word for word.
BY_POSITION = {
    "fundus": ("abnormal", "normal"),
    "mammo_calc": ("malignant", "benign"),
    "mammo_mass": ("malignant", "benign"),
    "oct": ("CNV", "NORMAL", "DME", "DRUSEN"),
    "pneumonia": ("NORMAL", "BACTERIA", "VIRUS"),
    "pbc": (
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature granulocyte",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
    ),
    "aml": (
        "BAS Basophil",
        "EBO Erythroblast",
        "EOS Eosinophil",
        "KSC Smudge cell",
        "LYA Lymphocyte (atypical)",
        "LYT Lymphocyte (typical)",
        "MMZ Metamyelocyte",
        "MOB Monoblast",
        "MON Monocyte",
        "MYB Myelocyte",
        "MYO Myeloblast",
        "NGB Neutrophil (band)",
        "NGS Neutrophil (segmented)",
        "PMB Promyelocyte (bilobled)",
        "PMO Promyelocyte",
    ),
}


@pytest.mark.parametrize("dataset", BY_POSITION)
def test_reference_order_asks_by_position(dataset: str) -> None:
    """Label k of MedIMeta is asked with the reference code's word at place k, in its template."""
    asked = load_prompts("reference-order").prompts(dataset, published().class_names[dataset], modality="")
    assert only(asked) == [
        f"a medical image of a {one} belonging to {dataset}" for one in BY_POSITION[dataset]
    ]


def test_ensemble_speaks_clinical_english() -> None:
    """Abbreviations are written out, grades are named, and there are several templates."""
    book = load_prompts("ensemble")
    oct_scan = asked_of(book, "oct")
    assert oct_scan.class_words == (
        "choroidal neovascularization",
        "diabetic macular edema",
        "drusen",
        "normal retina",
    )
    assert oct_scan.prompts[1] == (
        "diabetic macular edema",
        "this is a photo of diabetic macular edema",
        "a medical image of diabetic macular edema",
        "retinal OCT scan of diabetic macular edema",
        "retinal OCT scan showing diabetic macular edema",
        "diabetic macular edema seen on retinal OCT scan",
    )
    assert asked_of(book, "bloodmnist").class_words[3] == "immature granulocyte"
    assert asked_of(book, "retinamnist").class_words[4] == "proliferative diabetic retinopathy"


@pytest.mark.parametrize("name", PROMPTS)
def test_a_changed_text_is_another_revision(name: str) -> None:
    """The texts of a revision never change; add the new revision's digest when they do."""
    book = load_prompts(name)
    asked = [asked_of(book, dataset) for dataset in LABELS]
    for dataset in sorted(set(PROMPTS["ensemble"].datasets) - set(LABELS)):
        labels = [row.label for row in load_prompts("ensemble").describe(dataset)]
        asked.append(book.prompts(dataset, labels, modality="medical image"))
    assert PromptsRecord.asked(name, asked).digest == PINNED[name, book.revision]


@pytest.mark.parametrize(
    "dataset",
    [name for name, one in catalog().items() if one.kind == "medmnist" and one.single_label],
)
def test_medmnist_labels_are_spelled_as_the_catalogue_does(dataset: str) -> None:
    """Every single-label MedMNIST dataset has words for exactly its labels."""
    rows = load_prompts("ensemble").describe(dataset)
    assert [row.label for row in rows] == list(catalog()[dataset].class_names)


def test_every_single_label_dataset_has_modality_and_words() -> None:
    """The mapping leaves out no dataset that can be scored, and names none that does not exist."""
    datasets = PROMPTS["ensemble"].datasets
    assert set(datasets) == {name for name, one in catalog().items() if one.single_label}
    assert all(entry.modality and entry.classes for entry in datasets.values())


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("dataset", PLANS)
def test_phantoms_have_prompts_for_every_task(name: str, dataset: str) -> None:
    """Stand-ins are asked as the real thing is, for each of their tasks; the one of MR by its domain."""
    modality = "" if dataset in catalog() else PLANS[dataset].domain
    for task in PLANS[dataset].tasks:
        asked = load_prompts(name).prompts(dataset, task.class_names, modality=modality)
        assert asked.class_names == task.class_names


@pytest.mark.parametrize("dataset", ["pbc", "pneumonia", "oct"])
def test_real_labels_are_mapped(sample_dir: Path, dataset: str) -> None:
    """The labels in real info.yaml files are those the mapping spells."""
    info = yaml.safe_load((sample_dir / dataset / "info.yaml").read_text(encoding="utf-8"))
    mapped = {row.label for row in load_prompts("ensemble").describe(dataset)}
    assert {name for task in info["tasks"] for name in task["labels"].values()} <= mapped


def test_describe_says_which_set_gave_the_words() -> None:
    """A set's own words go before those of the set it extends."""
    rows = {row.label: row for row in load_prompts("paper").describe("pneumonia")}
    assert rows["VIRUS"] == ClassWords("VIRUS", "virus", "paper")
    assert rows["PNEUMONIA"] == ClassWords("PNEUMONIA", "pneumonia", "ensemble")
    assert load_prompts("paper").describe("somebodys_own") == ()


def test_a_label_without_words_stands_for_itself() -> None:
    """Somebody's own dataset needs no file if its labels are words; the modality is the data's."""
    asked = load_prompts("paper").prompts("mine", ["brown_bear", "Löwe"], modality="MRI")
    assert only(asked) == ["A photo of a MRI brown_bear", "A photo of a MRI Löwe"]


def test_braces_in_words_are_words() -> None:
    """Only templates have placeholders."""
    asked = load_prompts("paper").prompts("mine", ["{dataset}", "{class}"], modality="{x}")
    assert only(asked) == ["A photo of a {x} {dataset}", "A photo of a {x} {class}"]


def test_labels_without_a_letter_have_no_prompts() -> None:
    """The message names them and writes the file that helps."""
    with pytest.raises(ConfigError) as caught:
        load_prompts("paper").prompts("grades", ["0", "1-2", "mild"], modality="MRI")
    message = str(caught.value)
    assert "'grades' has classes with no prompts: labels '0', '1-2'" in message
    assert "give `prompts` a YAML file" in message
    assert "mild" not in message


def test_the_file_that_the_message_writes_is_accepted(tmp_path: Path) -> None:
    """Following the advice to the letter works."""
    with pytest.raises(ConfigError) as caught:
        load_prompts("paper").prompts("grades", ["0", "1"], modality="MRI")
    quoted = re.findall(r"'(version: 1|datasets: .*)'", str(caught.value))
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(quoted).replace("WORDS", "low", 1).replace("WORDS", "high"), encoding="utf-8")
    asked = load_prompts(file).prompts("grades", ["0", "1"], modality="MRI")
    assert asked.class_words == ("low", "high")


@pytest.mark.parametrize(
    ("labels", "modality", "message"),
    [
        (["a", "b\nc"], "MRI", "line break"),
        (["a", "b\u200bc"], "MRI", "control character"),
        (["a", " b"], "MRI", "white space"),
        (["a", "b" * 301], "MRI", "301 characters"),
        (["a", "A"], "MRI", "'a' and 'A' have the same words"),
        (["a", "b", "a"], "MRI", "two classes are named 'a'"),
        (["a", ""], "MRI", "no prompts"),
        ([], "MRI", "there must be classes"),
        (["a", "b"], "", "modality of 'mine' is empty"),
        (["a", "b"], "x\x1b[31m", "modality of 'mine' has a control character"),
    ],
)
def test_labels_that_cannot_be_asked_are_refused(labels: list[str], modality: str, message: str) -> None:
    """Whatever the data calls its classes, a prompt is one line of plain text, and classes differ."""
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_prompts("paper").prompts("mine", labels, modality=modality)
    assert str(caught.value).isprintable()


def test_the_digest_is_that_of_the_texts() -> None:
    """Anyone can recompute it from a result: SHA-256 of the texts as canonical JSON."""
    asked = [asked_of(load_prompts("paper"), dataset) for dataset in ("oct", "pbc")]
    record = PromptsRecord.asked("paper", asked)
    text = json.dumps(record.model_dump(mode="json")["texts"], sort_keys=True, separators=(",", ":"))
    assert record.digest == hashlib.sha256(text.encode()).hexdigest()
    assert record.digest == PromptsRecord.asked("paper", reversed(asked)).digest
    assert record.texts["oct"]["CNV"] == ("A photo of a Retinal OCT cnv",)


def test_the_digest_tells_texts_labels_and_datasets_apart() -> None:
    """Another text, label or dataset is another digest."""
    book = load_prompts("paper")
    digests = {
        PromptsRecord.asked("paper", [book.prompts(dataset, labels, modality=modality)]).digest
        for dataset, labels, modality in [
            ("mine", ["a", "b"], "MRI"),
            ("mine", ["a", "c"], "MRI"),
            ("mine", ["a", "b"], "CT"),
            ("yours", ["a", "b"], "MRI"),
        ]
    }
    assert len(digests) == 4


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(texts, texts), min_size=1, max_size=5, unique_by=(lambda p: p[0], lambda p: p[1].casefold())
    ),
    st.integers(1, 3),
)
def test_a_record_reads_back(classes: list[tuple[str, str]], templates: int) -> None:
    """Through JSON and back, texts of any script are the same, and so is their digest."""
    names, words = zip(*classes, strict=True)
    asked = ClassPrompts(
        dataset="mine",
        class_names=names,
        class_words=words,
        prompts=tuple(tuple(f"{index} {one}" for index in range(templates)) for one in words),
    )
    record = PromptsRecord.asked("paper", [asked])
    assert PromptsRecord.model_validate_json(record.model_dump_json()) == record
    assert tuple(record.texts["mine"].items()) == tuple(zip(names, asked.prompts, strict=True))


def test_a_part_is_the_record_of_that_part() -> None:
    """Results on some datasets compare by the prompts of those."""
    oct_, pbc = (asked_of(load_prompts("paper"), dataset) for dataset in ("oct", "pbc"))
    both = PromptsRecord.asked("paper", [oct_, pbc])
    assert both.restricted({"oct"}) == PromptsRecord.asked("paper", [oct_])


def test_a_text_that_was_changed_is_noticed() -> None:
    """A record whose digest is not that of its texts is no record."""
    values = PromptsRecord.asked("paper", [asked_of(load_prompts("paper"), "oct")]).model_dump(mode="json")
    values["texts"]["oct"]["CNV"] = ["A photo of a dog"]
    with pytest.raises(ValidationError, match="digest is not that of the texts"):
        PromptsRecord.model_validate_json(json.dumps(values))
