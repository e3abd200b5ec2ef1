"""Suites: what each dataset gets, what it must never get, and what own data has to say."""

from __future__ import annotations

import pytest

from medimeta_c.errors import ConfigError
from medimeta_c.format.manifest.records import SuiteRecord, suite_record
from medimeta_c.format.suites import CLINICAL, CORE, DIGITAL, IMAGENET_C, SUITES, require_of_suite, suite_of
from medimeta_c.sources.catalog import catalog
from medimeta_corruptions import CORRUPTIONS
from medimeta_corruptions.imagecorruptions_compat import get_corruption_names

# Pairs that would change a label, or that the way of imaging rules out. The reasons are in docs/clinical.
FORBIDDEN = {
    # Specks and scratches imitate calcifications; region crops have no collimated edge and no grid.
    "mammo_calc": {"film_scratches", "xray_collimation", "xray_grid", "dust"},
    "mammo_mass": {"xray_collimation", "xray_grid"},
    # RFMiD counts media haze as disease; spots look like drusen and cotton-wool spots.
    "fundus": {"fundus_haze", "fundus_lens_spots"},
    # Spots look like exudates.
    "dr_regular": {"fundus_lens_spots"},
    "dr_uwf": {"fundus_lens_spots", "fundus_crescent", "white_balance"},
    "retinamnist": {"fundus_lens_spots"},
    # A digital detector has no film.
    "pneumonia": {"film_exposure", "film_scratches"},
    # The scanner does not project along these planes.
    "organs_coronal": {"ct_low_dose", "ct_sparse_view", "ct_ring", "ct_metal", "ct_motion"},
    "organs_sagittal": {"ct_low_dose", "ct_sparse_view", "ct_ring", "ct_metal", "ct_motion"},
    "organs_axial": {"ct_reformat_noise", "ct_slice_thickness", "ct_breathing"},
    # Deposits look like platelets; a bubble can cover the one cell.
    "pbc": {"air_bubble", "he_stain", "pen_ink"},
    "aml": {"air_bubble", "he_stain", "pen_ink"},
    "bloodmnist": {"air_bubble", "he_stain", "pen_ink"},
    # Classes are debris, adipose tissue and background.
    "crc": {"dust", "air_bubble"},
    "pathmnist": {"dust", "air_bubble"},
    # No contact fluid, no tube.
    "skinl_photo": {"gel_bubbles", "dark_corners"},
}


@pytest.mark.parametrize("dataset", FORBIDDEN)
def test_no_dataset_gets_a_fault_that_would_change_its_labels(dataset: str) -> None:
    """The table of what must not be, against the record."""
    assert FORBIDDEN[dataset] <= set(CORRUPTIONS) | {"dust"}
    assert not FORBIDDEN[dataset] & set(CLINICAL.corruptions_of(dataset))


@pytest.mark.parametrize("dataset", CLINICAL.profile_of)
def test_grey_faults_go_to_grey_datasets_and_coloured_ones_to_coloured(dataset: str) -> None:
    """What a dataset gets can be computed of its images."""
    wanted = "grey" if catalog()[dataset].channels == 1 else "colour"
    found = {CORRUPTIONS[name].channels for name in CLINICAL.corruptions_of(dataset)}
    assert found <= {wanted, "any"}


def test_every_headline_dataset_has_its_number_of_corruptions() -> None:
    """Forty-two in all on the five of MedIMeta."""
    counts = {name: len(CLINICAL.corruptions_of(name)) for name in CLINICAL.headline["medimeta"]}
    assert counts == {"pbc": 8, "mammo_calc": 8, "pneumonia": 10, "fundus": 8, "oct": 8}
    assert len([one for one in catalog().values() if one.kind == "medimeta"]) == len(
        [name for name in CLINICAL.profile_of if catalog()[name].kind == "medimeta"]
    )


def test_core_did_not_move() -> None:
    """Its seven corruptions are all that any dataset gets, and files say nothing of it."""
    assert len(CORE.corruptions) == 7
    assert all(CORE.corruptions_of(name) == CORE.corruptions for name in ("pbc", "bloodmnist", "my_slides"))
    assert suite_record(CORE) is None
    assert suite_of(None, "it") is CORE


def test_what_was_called_medmnist_is_core() -> None:
    """The suite of MedMNIST+ became core on that collection."""
    assert suite_of(SuiteRecord(name="medmnist", version="1.0", digest="ab" * 32), "it") is CORE
    assert set(CORE.headline) == {"medimeta", "medmnist", "phantoms", "medimetac"}


def test_imagenet_c_has_nineteen_and_core_s_are_among_them() -> None:
    assert IMAGENET_C.corruptions == tuple(get_corruption_names("all"))
    assert set(CORE.corruptions) < set(IMAGENET_C.corruptions)
    assert IMAGENET_C.seed_scheme == CORE.seed_scheme


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_every_corruption_of_a_suite_is_registered(suite: object) -> None:
    assert set(suite.corruptions) <= set(CORRUPTIONS)  # type: ignore[attr-defined]


def test_physical_and_digital_faults_are_told_apart() -> None:
    assert set(DIGITAL) <= set(CORRUPTIONS)
    assert set(DIGITAL) & set(CLINICAL.corruptions) == {*DIGITAL} - {"jpeg2000"}


@pytest.mark.parametrize(
    ("suite", "dataset", "profile", "why"),
    [
        (CLINICAL, "my_slides", None, "does not know my_slides.*never guessed"),
        (CLINICAL, "my_slides", "histologie", "no profile 'histologie'.*: use `profile='histology'`$"),
        (CLINICAL, "my_slides", "zzz", "has no profile 'zzz'.*: choose another `profile`$"),
        (CLINICAL, "pbc", "histology", "pbc has the profile smear.*: use `profile='smear'`, or leave out"),
        (CLINICAL, "tissuemnist", None, "is not for tissuemnist"),
        (CORE, "my_slides", "histology", "the suite core has no profile"),
    ],
    ids=["no profile", "misspelt profile", "unknown profile", "another profile", "refused", "core has none"],
)
def test_what_cannot_be_chosen_is_refused(suite: object, dataset: str, profile: str | None, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        suite.corruptions_of(dataset, profile)  # type: ignore[attr-defined]


def test_own_data_get_what_their_profile_has() -> None:
    assert CLINICAL.corruptions_of("my_slides", "histology") == CLINICAL.corruptions_of("crc")


def test_corruptions_of_another_suite_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="he_stain is not of the suite core") as caught:
        require_of_suite(["he_stain"], CORE)
    assert caught.value.remedies[0].values == {"suite": "clinical"}
    require_of_suite(["gaussian_noise"], IMAGENET_C)
    require_of_suite(["one_of_a_plugin"], CORE)


def test_another_version_of_a_suite_is_refused() -> None:
    """Numbers of another definition must not be taken for these."""
    known = suite_record(CLINICAL)
    assert known is not None
    assert suite_of(known, "it") is CLINICAL
    for change in ({"version": "2.0"}, {"digest": "ab" * 32}):
        with pytest.raises(ConfigError, match=r"^it is of .* install the version of the package"):
            suite_of(known.model_copy(update=change), "it")


def test_a_suite_of_a_package_that_is_not_installed_is_named() -> None:
    """What cannot be read says what it is and what has it, not which name was meant."""
    other = SuiteRecord(name="tropical", version="1.0", digest="ab" * 32)
    with pytest.raises(ConfigError, match=r"^it is of the suite tropical, which is not installed"):
        suite_of(other, "it")


def test_the_digest_tells_every_change_of_the_record() -> None:
    """Lists, profiles, severities and the seed scheme enter; so do the corruptions' parameters."""
    from dataclasses import replace

    changed = [
        replace(CORE, severities=(1, 2, 3, 4)),
        replace(CORE, seed_scheme="medimeta-c/2"),
        replace(CORE, version="1.1"),
        replace(CORE, grid={**CORE.grid, "aml": CORE.corruptions}),
        replace(CORE, headline={**CORE.headline, "mine": ("aml",)}),
    ]
    assert len({CORE.digest, *(one.digest for one in changed)}) == 1 + len(changed)
