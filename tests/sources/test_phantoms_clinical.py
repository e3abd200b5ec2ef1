"""Phantoms of the other modalities: MedIMeta's descriptions, each modality's physics."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from phantom_features import accuracy, structure

from medimeta_c.format.suites import CORE
from medimeta_c.sources import SOURCES, family_of
from medimeta_c.sources.catalog import catalog, published
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.phantoms import PHANTOM_DATASETS, open_phantoms
from medimeta_c.sources.phantoms.plan import PLANS
from medimeta_c.sources.phantoms.writer import write_folder
from medimeta_c.sources.selection import select

ORGANS = (
    "heart|left lung|right lung|liver|spleen|pancreas|left kidney|right kidney|bladder|left femoral head|"
    "right femoral head"
)
GRADES = (
    "Grade 0: No apparent retinopathy|Grade 1: Mild – NPDR|Grade 2: Moderate – NPDR|"  # noqa: RUF001
    "Grade 3: Severe – NPDR|Grade 4: PDR"  # noqa: RUF001
)
DIAGNOSES = "basal cell carcinoma|nevus|melanoma|miscellaneous|seborrheic keratosis"

# Of MedIMeta's own info.yaml files: domain, class names in label order of the task that the catalogue names.
REAL = {
    "aml": (
        "Microscopy",
        "BAS Basophil|EBO Erythroblast|EOS Eosinophil|KSC Smudge cell|LYA Lymphocyte (atypical)|"
        "LYT Lymphocyte (typical)|MMZ Metamyelocyte|MOB Monoblast|MON Monocyte|MYB Myelocyte|MYO Myeloblast|"
        "NGB Neutrophil (band)|NGS Neutrophil (segmented)|PMB Promyelocyte (bilobled)|PMO Promyelocyte",
    ),
    "bus": ("Breast ultrasound", "normal|benign|malignant"),
    "mammo_mass": ("Mammography", "benign|malignant"),
    "cxr": ("Chest X-ray", "F|M"),
    "glaucoma": ("Retinal fundus", "Normal|Suspect"),
    "dr_regular": ("Retinal fundus", GRADES),
    "dr_uwf": ("Retinal fundus", GRADES),
    "derm": (
        "Dermatoscopy",
        "Melanoma|Melanocytic nevus|Basal cell carcinoma|"
        "Actinic keratosis / Bowen’s disease (intraepithelial carcinoma)|"  # noqa: RUF001
        "Benign keratosis (solar lentigo / seborrheic keratosis / lichen planus-like keratosis)|"
        "Dermatofibroma|Vascular lesion",
    ),
    "organs_axial": ("Abdominal CT", ORGANS),
    "organs_coronal": ("Abdominal CT", ORGANS),
    "organs_sagittal": ("Abdominal CT", ORGANS),
    "crc": (
        "Histopathology",
        "adipose (ADI)|background (BACK)|debris (DEB)|lymphocytes (LYM)|mucus (MUC)|smooth muscle (MUS)|"
        "normal colon mucosa (NORM)|cancer-associated stroma (STR)|"
        "colorectal adenocarcinoma epithelium (TUM)",
    ),
    "skinl_photo": ("Clinical skin photography", DIAGNOSES),
    "skinl_derm": ("Dermatoscopy", DIAGNOSES),
}

# SHA-256 of the first image of each class, in label order. Other pixels are another PHANTOM_VERSION.
PIXELS = {
    "aml": "dda049395ab85b424604fdb7701fb4fddf476bdce3566284630b794329e3fa31",
    "bus": "2a6193b5ed5bfe40f442f3d69110f21db52d73b439c9cdf6c20c474ab384e237",
    "mammo_mass": "cacbb102b8a5515956001c9578026a820e060288ca5d9dee11a6dac5222d6050",
    "cxr": "3b834ce3e1d4d54aac10e3392071d5104f6856a5b14f4422239daa9f08957af8",
    "glaucoma": "0b238cc8f26f4f7c5c07907a049d3dd1e54df5a167e20d6eacc3aa35b33a23a8",
    "dr_regular": "04db39d55e808da34a67d9ee212a98974afadbacb4260afdb3b2d9f19522a731",
    "dr_uwf": "42826ab957a2bf1a7f7a48886e877e968007364e915c21fb2b6e8b01f59f555f",
    "derm": "4bcfadd4a3e4e1d7c43210d0be59c43fce69cfe43c4801c34549038cbb330aa0",
    "organs_axial": "1bb04f56f708db156f3781a36bf7981df50e1f02fdbab25d48509e6882a32b43",
    "organs_coronal": "4c213d85df267587f145002f3eea39f4b758a81ecca1b9047cb942ece33e0fb5",
    "organs_sagittal": "056273fbd0f53164ff1ce9b030832ab7ef81e5a1f3dcfa85b2de2b1b9a2f1e87",
    "crc": "be628d12aec5e62a7b29d3fd8c162d4268a5ea1e2584b963c68f90f389c190b3",
    "skinl_photo": "aa475585f79857808c8443dc165528b5ec750e848f6c19261fd4660501f47b73",
    "skinl_derm": "14129652da5d1a8e3df2bbface35c73119b1c328129772fdd56bd252292c8f1d",
    "mr_phantom": "5db1616265af48dbfa9a54a7779ea76f223affd56a1e7e5c223b7a6c9a8b31d6",
}

OTHERS = PHANTOM_DATASETS[len(CORE.datasets) :]
PADDED = {"bus", "glaucoma", "skinl_photo", "skinl_derm"}  # wide pictures that MedIMeta makes square

each_other = pytest.mark.parametrize("dataset", OTHERS)


@cache
def drawn(dataset: str) -> NDArray[np.uint8]:
    """The first image of each class."""
    plan = PLANS[dataset]
    return np.stack([plan.image(label, label) for label in range(plan.classes)])


def of_class(dataset: str, name: str) -> NDArray[np.uint8]:
    """The first image of a class."""
    image: NDArray[np.uint8] = drawn(dataset)[PLANS[dataset].tasks[0].class_names.index(name)]
    return image


# What is drawn


def test_every_profile_of_the_catalogue_and_mr_have_phantoms() -> None:
    """All of MedIMeta's datasets that can be built, in the catalogue's order, then the one of MR."""
    assert PHANTOM_DATASETS == (*published("medimeta", single_label=True), "mr_phantom") == tuple(PLANS)
    assert set(REAL) == set(OTHERS) - {"mr_phantom"}


@pytest.mark.parametrize("dataset", REAL)
def test_description_is_the_real_one(dataset: str) -> None:
    """Id, domain, channels, task and class order are MedIMeta's."""
    info, known = PLANS[dataset].info(), catalog()[dataset]
    domain, names = REAL[dataset]
    assert (info["id"], info["domain"]) == (dataset, domain)
    assert info["input_size"] == [known.channels, 224, 224]
    assert info["tasks"][0]["task_name"] == known.task
    assert list(info["tasks"][0]["labels"].values()) == names.split("|")
    ordinal = "ORDINAL_REGRESSION" if known.task == "DR level" else None
    kind = "BINARY_CLASSIFICATION" if names.count("|") == 1 else "MULTICLASS_CLASSIFICATION"
    assert info["tasks"][0]["task_target"] == (ordinal or kind)


@each_other
def test_there_are_enough_of_them_and_they_say_phantoms(dataset: str) -> None:
    """As many images as the five have, named synthetic, under a licence of our own."""
    info = PLANS[dataset].info()
    assert str(info["name"]).endswith("phantoms (synthetic, not medical images)")
    assert info["license"] == "CC0-1.0"
    assert 24 <= info["splits_num_samples"]["test"] <= 40
    assert info["splits_num_samples"]["train"] > info["splits_num_samples"]["test"]


@each_other
def test_pixels_are_those_of_this_version(dataset: str) -> None:
    """Every machine and every supported NumPy and SciPy draw the same pixels."""
    assert hashlib.sha256(drawn(dataset).tobytes()).hexdigest() == PIXELS[dataset]


@each_other
def test_folder_is_read_as_medimeta(tmp_path: Path, dataset: str) -> None:
    """What the writer makes of the plan is a MedIMeta folder; every class and image comes back."""
    images = drawn(dataset)
    plan = replace(
        PLANS[dataset], per_class={"train": 2, "val": 1, "test": 1}, draw=lambda _, label: images[label]
    )
    write_folder(plan, tmp_path / dataset)
    source = open_medimeta(dataset, tmp_path)
    assert source.info.class_names == PLANS[dataset].tasks[0].class_names
    assert source.info.channels == PLANS[dataset].channels
    assert source.info.splits == {"train": 2 * len(images), "val": len(images), "test": len(images)}
    for row in source.ids("test"):
        assert np.array_equal(source.image("test", row), images[source.label("test", row)])


# What it looks like


@each_other
def test_padding_is_where_medimeta_pads(dataset: str) -> None:
    """Wide pictures lie between black rows, as many above as below; nothing else is padded with rows."""
    for image in drawn(dataset):
        filled = np.flatnonzero(image.reshape(224, -1).any(axis=1))
        above, below = filled[0], 223 - filled[-1]
        if dataset in PADDED:
            assert 8 <= above <= 42
            assert abs(above - below) <= 1
        elif dataset not in {"dr_uwf", "mr_phantom"}:  # there the background is black
            assert above == below == 0


def test_ct_is_windowed_hounsfield_units() -> None:
    """Level 50, width 400: liver .6, water .4, fat .13, bone white, air and lung black."""

    def hu(image: NDArray[np.uint8], rows: slice, columns: slice) -> float:
        return float(-150 + 400 * np.median(image[rows, columns]) / 255)

    for plane in ("axial", "coronal", "sagittal"):
        name = f"organs_{plane}"
        assert hu(of_class(name, "bladder"), slice(100, 124), slice(94, 118)) == pytest.approx(8, abs=12)
        assert 85 < hu(of_class(name, "liver"), slice(80, 112), slice(80, 112)) < 130
        assert np.mean(of_class(name, "right lung") == 0) > 0.3
        assert np.mean(of_class(name, "right femoral head") == 255) > 0.05
        quiet = of_class(name, "bladder")[100:124, 94:118].astype(float) / 255 * 400
        assert 6 < quiet.std() < 18


def test_left_and_right_are_mirrored() -> None:
    """The heart lies on the patient's left of the left lung: the two femoral heads point opposite ways."""
    bright = {
        side: np.argwhere(of_class("organs_axial", f"{side} femoral head") > 200).mean(axis=0)
        for side in ("left", "right")
    }
    assert (bright["left"][0] - 112) * (bright["right"][0] - 112) < 0


def test_ultrasound_is_speckle_in_decibels() -> None:
    """Deviation in decibels is that of one to three averaged looks; the near field is on top."""
    for row in range(3, 9, 3):
        image = PLANS["bus"].image(row, 0).astype(float)
        first = np.flatnonzero(image.any(axis=1))[0]
        decibels = 60 * (image[first + 60 : first + 76] / 255 - 1)
        slow = np.array([np.convolve(line, np.ones(31) / 31, "same") for line in decibels])
        spread = (decibels - slow)[:, 20:-20].std()
        assert 1.5 < spread < 5.6  # 5.57 is a single look
        assert image[first + 3 : first + 9].mean() > image[first + 22 : first + 34].mean() + 25  # skin, fat


def test_shadow_lies_below_a_malignant_lesion_only() -> None:
    """Behind a malignant lesion less comes back than beside it, behind a benign one more."""
    for label, sign in ((1, 1), (2, -1)):
        behind = []
        for row in range(label, 18, 3):
            image = PLANS["bus"].image(row, label).astype(float)
            filled = np.flatnonzero(image.any(axis=1))
            deep = image[filled[0] + int(0.72 * filled.size) : filled[0] + int(0.8 * filled.size)].mean(
                axis=0
            )
            dark = (
                np.convolve(
                    image[filled[0] + filled.size // 3 : filled[0] + filled.size // 2].mean(axis=0),
                    np.ones(15) / 15,
                    "same",
                )[20:-20].argmin()
                + 20
            )
            behind.append(deep[max(0, dark - 6) : dark + 7].mean() - np.median(deep))
        assert sign * np.mean(behind) > 2


def test_histology_absorbs_light() -> None:
    """Glass is nearly white; stain takes green most, then, as haematoxylin, red and least of all blue."""
    glass = of_class("crc", "background (BACK)")
    assert glass.mean() > 232
    density = -np.log(np.maximum(of_class("crc", "lymphocytes (LYM)"), 1) / 244.0).reshape(-1, 3)
    nuclei = density[density.sum(axis=1) > 2.2].mean(axis=0)
    assert nuclei[1] > nuclei[0] > nuclei[2]
    pink = -np.log(np.maximum(of_class("crc", "smooth muscle (MUS)"), 1) / 244.0).reshape(-1, 3)
    assert np.median(pink[:, 1]) > 1.5 * np.median(pink[:, 0])  # eosin lets red pass


def test_widefield_has_two_laser_colours() -> None:
    """Red and green carry the image, blue next to nothing; outside the oval field it is black."""
    for image in drawn("dr_uwf"):
        inside = image[80:144, 60:164].reshape(-1, 3).mean(axis=0)
        assert inside[0] > 60
        assert inside[1] > 50
        assert inside[2] < 0.2 * inside[1]
        assert image[:6, :6].max() <= 8


def test_mr_has_a_background_of_exact_zeros() -> None:
    """Around the head nothing is stored but 0, as in a magnitude image whose background was masked."""
    for image in drawn("mr_phantom"):
        assert 0.25 < np.mean(image == 0) < 0.6
        assert not image[:2].any()
        assert not image[:, :10].any()
    tumour, none = of_class("mr_phantom", "tumour"), of_class("mr_phantom", "no lesion")
    middle = (slice(50, 174), slice(60, 164))
    assert np.quantile(tumour[middle], 0.995) > np.quantile(none[middle], 0.995) + 25


def test_glaucoma_is_a_larger_cup() -> None:
    """More of the disc is nearly white in a suspect eye."""
    pale = []
    for label in (0, 1):
        images = [PLANS["glaucoma"].image(row, label) for row in range(label, 12, 2)]
        pale.append(
            np.mean([(image[..., 2] > 0.62 * image.max(axis=-1)) & (image[..., 0] > 200) for image in images])
        )
    assert pale[1] > 1.5 * pale[0]


@pytest.mark.slow
@each_other
def test_classes_differ_in_structure(dataset: str) -> None:
    """A linear model on simple shape features is far above chance on unseen images."""
    rows = list(PLANS[dataset].rows())
    images = [PLANS[dataset].image(row, label) for row, (_, label) in enumerate(rows)]
    train = np.array([split == "train" for split, _ in rows])
    labels = np.array([label for _, label in rows])
    found = accuracy(np.array([structure(image) for image in images]), labels, train)
    assert found > 1 / PLANS[dataset].classes + 0.2


# Opening them


def test_mr_phantom_needs_no_source(tmp_path: Path) -> None:
    """Its id says what it is; every other id means the real data unless phantoms are asked for."""
    assert family_of("mr_phantom") is SOURCES["phantoms"]
    assert family_of("bus") is SOURCES["medimeta"]
    assert select(["mr_phantom"], None, tmp_path) == [("mr_phantom", SOURCES["phantoms"])]


def test_source_of_mr_says_phantoms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened like the others, though no dataset of MedIMeta is like it."""
    few = replace(PLANS["mr_phantom"], per_class={"train": 1, "val": 1, "test": 1})
    monkeypatch.setitem(PLANS, "mr_phantom", few)
    source = open_phantoms("mr_phantom", tmp_path)
    assert source.info.kind == "phantoms"
    assert source.info.modality == "Brain MR"
    assert "synthetic" in source.info.title
    info = yaml.safe_load((tmp_path / "phantoms-1/mr_phantom/info.yaml").read_text(encoding="utf-8"))
    assert info["id"] == "mr_phantom"
