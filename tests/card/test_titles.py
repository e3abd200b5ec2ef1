"""What a benchmark is called: what it was given, else what follows from its datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.errors import ConfigError
from medimeta_c.format.display import benchmark_title
from medimeta_c.format.manifest import Manifest, read_manifest


def of(manifest: Manifest, *datasets: tuple[str, str, str]) -> str:
    """Return the title of a build of other datasets: name, kind and title of each."""
    first = manifest.datasets[0]
    records = [
        first.model_copy(update={"dataset": name, "kind": kind, "title": title})
        for name, kind, title in datasets
    ]
    return benchmark_title(manifest.model_copy(update={"datasets": tuple(records)}))


def test_what_follows_from_datasets(small: Path) -> None:
    """MediMeta-C is the core suite on its own datasets, and nothing else is called so."""
    manifest = read_manifest(small / "manifest.json")
    assert of(manifest, ("pbc", "medimeta", "Blood"), ("oct", "medimeta", "OCT")) == "MediMeta-C"
    assert of(manifest, ("pbc", "medimeta", "Blood"), ("aml", "medimeta", "AML")) == "Blood and AML"
    assert of(manifest, ("aml", "medimeta", "AML")) == "AML"
    assert (
        of(manifest, ("octmnist", "medmnist", "OCT"), ("bloodmnist_64", "medmnist", "Blood")) == "MedMNIST-C"
    )
    assert of(manifest, ("pbc", "phantoms", "Blood")) == "MediMeta-C (phantoms)"
    own = [(name, "imagefolder", name.title()) for name in ("a", "b", "c", "d")]
    assert of(manifest, *own) == "A, B and 2 more"


def test_a_title_given(clean_dir: Path, tmp_path: Path) -> None:
    """It is in manifest and card, stays when more is built, can be changed, and no pixel depends on it."""

    def made(**more: object) -> Manifest:
        values = {
            "datasets": "rays",
            "source": "imagefolder",
            "data_dir": clean_dir,
            "jobs": 1,
            "severities": 1,
        }
        return build(BuildConfig(out=tmp_path / "out", corruptions="contrast", **{**values, **more})).manifest  # type: ignore[arg-type]

    plain = made()
    assert (plain.title, plain.schema_version, benchmark_title(plain)) == (None, 1, "rays")
    titled = made(title="X-rays <b>of</b> ours")
    assert (titled.title, titled.fingerprint) == ("X-rays <b>of</b> ours", plain.fingerprint)
    card = (tmp_path / "out/README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["pretty_name"] == "X-rays <b>of</b> ours"
    assert "# X-rays <b>" not in card
    assert made(severities=(1, 2)).title == "X-rays <b>of</b> ours"
    assert made(title="Others").title == "Others"
    assert verify(tmp_path / "out").ok
    with pytest.raises(ConfigError, match="one line"):
        made(title="two\nlines")
