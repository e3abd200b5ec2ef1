"""Builds of the suites beside core: what they hold, what files say of them, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_source import FakeSource

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.render import render
from medimeta_c.building.verification import verify
from medimeta_c.card.coverage import coverage
from medimeta_c.errors import BuildError, ConfigError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import read_manifest
from medimeta_c.format.seeding import GROWING, generator
from medimeta_c.format.suites import CLINICAL, IMAGENET_C
from medimeta_corruptions import corrupt

SMEAR = FakeSource(dataset="pbc", shape=(40, 44), splits={"test": 2})
SCAN = FakeSource(dataset="oct", channels=1, shape=(40, 44), splits={"test": 2}, class_names=("a", "b"))
OWN = replace(SMEAR, dataset="my_smears", info_changes={"kind": "imagefolder"})


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., BuildConfig]:
    def make(**changes: Any) -> BuildConfig:
        values = {"datasets": (SMEAR, SCAN), "suite": "clinical", "out": tmp_path / "out", "jobs": 1}
        return BuildConfig(**{**values, "severities": (1, 5), **changes})

    return make


def test_every_dataset_gets_its_own_faults(configure: Callable[..., BuildConfig]) -> None:
    """Sets, records and coverage follow the suite's list of each dataset."""
    report = build(configure())
    found = {name: {key.corruption for key in report.built if key.dataset == name} for name in ("pbc", "oct")}
    assert found["pbc"] == {"clean", *CLINICAL.corruptions_of("pbc")}
    assert found["oct"] == {"clean", *CLINICAL.corruptions_of("oct")}
    manifest = read_manifest(report.root / "manifest.json")
    assert (manifest.schema_version, manifest.rng) == (2, "uniform/1")
    assert manifest.suite is not None
    assert (manifest.suite.name, manifest.suite.digest) == ("clinical", CLINICAL.digest)
    assert manifest.protocol.seed_scheme == GROWING
    assert {one.dataset: one.profile for one in manifest.datasets} == {"oct": "oct", "pbc": "smear"}
    assert manifest.dataset("oct").corruptions == CLINICAL.corruptions_of("oct")
    assert set(manifest.corruptions) == (found["pbc"] | found["oct"]) - {"clean"}
    assert len(manifest.corruptions["oct_speckle"].values) == 5
    assert len(manifest.corruptions["oct_speckle"].distances) == 5
    assert [(one.there, one.wanted) for one in coverage(manifest)] == [(17, 41), (17, 41)]


def test_pixels_are_the_functions_under_one_seed_for_all_severities(
    configure: Callable[..., BuildConfig],
) -> None:
    report = build(configure(datasets=SCAN, corruptions="oct_speckle"))
    bench = open_benchmark(report.root)
    for severity in (1, 5):
        key = SetKey("oct", "test", "oct_speckle", severity)
        batch = next(bench.batches(key))
        rng = generator(0, replace(key, severity=3), batch.image_ids[0], GROWING)
        clean = SCAN.image("test", batch.image_ids[0])
        assert np.array_equal(batch.images[0], corrupt(clean, "oct_speckle", severity, rng))


def test_the_card_claims_no_more_than_an_assumed_domain(configure: Callable[..., BuildConfig]) -> None:
    card = (build(configure(datasets=SCAN)).root / "README.md").read_text()
    assert "# MediMeta-C clinical" in card
    assert "no parameter reproduces a dose" in " ".join(card.split())
    assert "byte-identical" not in card
    assert CLINICAL.digest in card


def test_two_workers_give_the_same_benchmark(configure: Callable[..., BuildConfig], tmp_path: Path) -> None:
    one = build(configure(corruptions=("oct_shadow", "dust", "jpeg"))).manifest
    two = build(configure(corruptions=("jpeg", "dust", "oct_shadow"), jobs=2, out=tmp_path / "two")).manifest
    assert one.fingerprint == two.fingerprint


def test_core_s_corruptions_have_core_s_pixels_in_imagenet_c(
    configure: Callable[..., BuildConfig], tmp_path: Path
) -> None:
    """Cut to core's seven, the larger suite is core but for what files say."""
    some = {"datasets": SCAN, "corruptions": ("gaussian_noise", "contrast")}
    core = build(configure(suite="core", **some)).manifest
    larger = build(configure(suite="imagenet_c", out=tmp_path / "nineteen", **some)).manifest
    assert core.fingerprint == larger.fingerprint
    assert core.suite is None
    assert larger.suite is not None
    assert larger.suite.digest == IMAGENET_C.digest
    assert "jpeg library" in larger.libraries


def test_a_directory_holds_one_suite(configure: Callable[..., BuildConfig]) -> None:
    some = {"datasets": SCAN, "severities": 1}
    build(configure(corruptions="jpeg", **some))
    with pytest.raises(BuildError, match=r"was built with the suite clinical 1\.0 .*this build has core"):
        build(configure(suite="core", corruptions="contrast", **some))


def test_own_images_need_a_profile_whatever_their_name(configure: Callable[..., BuildConfig]) -> None:
    """A folder that is called like a published dataset is not taken for it."""
    with pytest.raises(ConfigError, match="does not know my_smears"):
        build(configure(datasets=OWN))
    with pytest.raises(ConfigError, match="does not know pbc"):
        build(configure(datasets=replace(OWN, dataset="pbc")))
    report = build(configure(datasets=OWN, profile="smear", corruptions="dust"))
    assert report.manifest.dataset("my_smears").profile == "smear"
    assert [(one.there, one.wanted) for one in coverage(report.manifest)] == [(3, 41)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"suite": "clinic"}, "unknown suite 'clinic': did you mean 'clinical'"),
        ({"profile": "smears"}, "no profile 'smears'"),
        ({"suite": "core", "profile": "smear"}, "the suite core has no profile"),
        ({"corruptions": "gaussian_noise"}, "gaussian_noise is not of the suite clinical"),
        ({"suite": "core", "corruptions": "dust"}, "dust is not of the suite core"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_suite_has_is_refused_when_it_is_asked_for(
    configure: Callable[..., BuildConfig], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        configure(**changes)


def test_a_fault_that_would_change_a_label_is_refused(configure: Callable[..., BuildConfig]) -> None:
    rays = replace(SCAN, dataset="mammo_calc")
    with pytest.raises(
        ConfigError, match="film_scratches: the suite clinical has no such fault for mammo_calc"
    ):
        build(configure(datasets=rays, corruptions="film_scratches"))


def test_a_profile_in_colours_is_refused_for_grey_images(configure: Callable[..., BuildConfig]) -> None:
    grey = replace(SCAN, dataset="my_rays", info_changes={"kind": "imagefolder"})
    with pytest.raises(ConfigError, match=r"my_rays is grey, and giemsa_stain, .* need colours"):
        build(configure(datasets=grey, profile="smear"))


def test_a_coloured_image_among_grey_ones_is_named(configure: Callable[..., BuildConfig]) -> None:
    """RGB files may show grey, so it turns out when one does not."""
    coloured = replace(SMEAR, dataset="my_rays", info_changes={"kind": "imagefolder"})
    with pytest.raises(SourceError, match=r"image '\w+' of my_rays: xray_grid is for grey images"):
        build(configure(datasets=coloured, profile="radiograph", corruptions="xray_grid"))


def test_the_clean_set_counts_padded_images(configure: Callable[..., BuildConfig], tmp_path: Path) -> None:
    """Padding stays as it is under every fault of the suite; core's files do not count it."""
    some = {"datasets": "bus", "source": "phantoms", "limit": 3, "severities": 1, "data_dir": tmp_path}
    clinical = build(configure(corruptions="us_gain", **some)).manifest
    assert [record.padded for record in clinical.sets] == [3, None]
    core = build(configure(suite="core", corruptions="contrast", out=tmp_path / "core", **some)).manifest
    assert [record.padded for record in core.sets] == [None, None]


def test_a_forged_list_of_corruptions_does_not_make_a_benchmark_complete(
    configure: Callable[..., BuildConfig],
) -> None:
    """What is wanted is what the suite says here, not what the manifest says."""
    manifest = build(configure(datasets=SCAN, corruptions="jpeg")).manifest
    forged = manifest.datasets[0].model_copy(update={"corruptions": ("jpeg",)})
    (part,) = coverage(manifest.model_copy(update={"datasets": (forged,)}))
    assert (part.there, part.wanted, part.complete) == (3, 41, False)


def test_a_build_verifies_and_is_rendered_again(
    configure: Callable[..., BuildConfig], tmp_path: Path
) -> None:
    """The source is needed again, so these are phantoms, which are drawn anywhere."""
    config = configure(
        datasets="bus", source="phantoms", limit=2, corruptions=("us_gain", "jpeg"), data_dir=tmp_path
    )
    root = build(config).root
    assert verify(root, rebuild=2, data_dir=tmp_path, jobs=1).ok


@pytest.fixture
def compressed(configure: Callable[..., BuildConfig], tmp_path: Path) -> Path:
    """Two phantoms under a corruption that the JPEG library computes."""
    return build(
        configure(
            suite="imagenet_c",
            datasets="bus",
            source="phantoms",
            limit=2,
            severities=1,
            corruptions="jpeg_compression",
            data_dir=tmp_path,
        )
    ).root


@pytest.mark.parametrize(
    ("added", "library", "found"),
    [
        (0, "same", (True, 0)),
        (1, "other", (True, 2)),
        (1, "same", (False, 0)),
        (120, "other", (False, 0)),
    ],
    ids=["equal", "another library", "no excuse", "too far"],
)
def test_another_library_excuses_what_it_is_stated_to_change(  # noqa: PLR0917  (fixtures and parameters)
    compressed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    added: int,
    library: str,
    found: tuple[bool, int],
) -> None:
    """Pixels rendered again may differ by as much as versions of the library do, if versions differ."""

    def other(*arguments: Any) -> np.ndarray:
        image = render(*arguments).astype(np.int16)
        return np.clip(image + (added if arguments[-1] else 0), 0, 255).astype(np.uint8)

    monkeypatch.setattr("medimeta_c.building.checks.rows.render", other)
    if library == "other":
        monkeypatch.setattr("medimeta_c.building.libraries._jpeg_library", lambda: "libjpeg 9")
    report = verify(compressed, rebuild=2, data_dir=tmp_path, jobs=1)
    assert (report.ok, report.near) == found
    assert report.rebuilt == 4
