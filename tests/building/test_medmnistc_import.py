"""The official MedMNIST-C as a benchmark: imported, verified, loaded, resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pytest
from medmnist_files import COUNT, darkened, stacked, write_clean, write_corrupted
from trees import tree
from typer.testing import CliRunner

from medimeta_c.building.assembly import BuildProgress
from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.medmnistc.importing import ImportConfig, import_medmnistc
from medimeta_c.building.verification import verify
from medimeta_c.card.dataset_card import render_card
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ConfigError, MediMetaError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.io.records import dump

RUNNER = CliRunner()
CORRUPTIONS = {"bloodmnist": ("bubble", "pixelate"), "octmnist": ("pixelate", "speckle_noise")}
Configure = Callable[..., ImportConfig]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two datasets, a colour and a grey one, with two corruptions each: ``c`` and ``data``."""
    root = tmp_path_factory.mktemp("files")
    for dataset, corruptions in CORRUPTIONS.items():
        clean = write_clean(root / "data", dataset)
        for corruption in corruptions:
            write_corrupted(root / "c", dataset, corruption, stacked(clean))
    return root


@pytest.fixture(scope="module")
def imported(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished import. Read only."""
    out = tmp_path_factory.mktemp("imported") / "benchmark"
    import_medmnistc(ImportConfig(folder=files / "c", data_dir=files / "data", out=out, jobs=1))
    return out


@pytest.fixture
def configure(files: Path, tmp_path: Path) -> Configure:
    """Make a configuration that imports the two datasets in this process."""

    def make(**changes: object) -> ImportConfig:
        values: dict[str, object] = {
            "folder": files / "c",
            "data_dir": files / "data",
            "out": tmp_path / "out",
            "jobs": 1,
        }
        return ImportConfig(**{**values, **changes})  # type: ignore[arg-type]

    return make


def test_every_image_is_where_its_severity_says(files: Path, imported: Path) -> None:
    """Own corruption names, five severities, the clean ids and labels, and the very pixels of the file."""
    benchmark = open_benchmark(imported)
    assert len(benchmark.sets) == 2 * (1 + 2 * 5)
    for dataset, corruptions in CORRUPTIONS.items():
        (path,) = (files / "data").glob(f"{dataset}_*.npz")
        with np.load(path) as clean:
            images, labels = clean["test_images"], clean["test_labels"].ravel()
        for corruption, severity in [("clean", 0), *((c, s) for c in corruptions for s in range(1, 6))]:
            (batch,) = benchmark.batches(SetKey(dataset, "test", corruption, severity))
            assert batch.image_ids == tuple(f"{row:06d}" for row in range(COUNT))
            np.testing.assert_array_equal(batch.labels, labels)
            np.testing.assert_array_equal(batch.images, darkened(images, severity) if severity else images)


def test_it_verifies_and_says_that_it_cannot_be_rendered(imported: Path) -> None:
    """`verify` checks every byte and row; `--rebuild` is refused in one sentence."""
    assert verify(imported, jobs=1).ok
    result = RUNNER.invoke(app, ["verify", str(imported), "--rebuild", "1", "--jobs", "1"])
    assert result.exit_code == 2
    assert "was imported (MedMNIST-C), not rendered" in result.stderr
    assert "without --rebuild" in result.stderr


def test_load_dataset_reads_it(imported: Path, tmp_path: Path) -> None:
    """A configuration per corruption, with class names, as for any benchmark."""
    rows = datasets.load_dataset(
        str(imported), "octmnist-speckle_noise", split="test", cache_dir=str(tmp_path / "cache")
    )
    assert sorted(rows["severity"]) == sorted([*range(1, 6)] * COUNT)
    assert rows.features["label"].names[2] == "drusen"
    assert rows[0]["image"].mode == "L"


def test_the_card_says_imported(imported: Path) -> None:
    """What the images are, whose corruptions, and nothing of MediMeta-C's own parameters or seeds."""
    card = (imported / "README.md").read_text()
    assert "**Imported, not rendered.**" in card
    assert "under 3 corruptions at severities 1, 2, 3, 4, 5" in card
    assert "| `octmnist` | `pixelate`, `speckle_noise` |" in card
    assert "arXiv:2406.17536" in card
    assert "pretty_name: MedMNIST-C as published" in card
    for wrong in ("Philox", "imagecorruptions", "| seed |", "renders images again", "no mCE can be taken"):
        assert wrong not in card
    assert render_card(open_benchmark(imported).manifest) == card


def test_severities_that_are_not_in_order_are_named(
    files: Path, imported: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of the original by what it says, others by how far they are from the clean images."""
    clean = write_clean(tmp_path / "data", "bloodmnist")
    whole = stacked(clean)
    turned = whole["test_images"].reshape(5, COUNT, 28, 28, 3)[[4, 1, 2, 3, 0]].reshape(-1, 28, 28, 3)
    write_corrupted(tmp_path / "c", "bloodmnist", "bubble", {**whole, "test_images": turned})
    for corruption in ("pixelate", "stain_deposit"):
        write_corrupted(tmp_path / "c", "bloodmnist", corruption, whole)
    config = ImportConfig(folder=tmp_path / "c", data_dir=tmp_path / "data", out=tmp_path / "out", jobs=1)
    manifest = import_medmnistc(config).manifest
    card = (tmp_path / "out/README.md").read_text()
    assert "- `bloodmnist`, `bubble`: from nearest to the clean images to farthest (mean absolute " in card
    assert "the order is 5, 2, 3, 4, 1: the file may be stacked in another order" in card
    assert "- `bloodmnist`, `stain_deposit`: not in order in the original: 1, 2, 3, 3 and 3 deposits" in card
    assert "`bloodmnist`, `pixelate`:" not in card
    said = [record.getMessage() for record in caplog.records]
    assert [sum(name in line for line in said) for name in ("bubble", "pixelate")] == [1, 0]
    assert {one.corruption for one in manifest.sets if one.clean_distance} == {"bubble"}
    assert manifest.schema_version == 2
    assert verify(tmp_path / "out", jobs=1).ok
    assert "do not grow" not in (imported / "README.md").read_text()
    assert open_benchmark(imported).manifest.schema_version == 1


def test_a_protocol_of_its_own(imported: Path) -> None:
    """The manifest says imported; a rendered benchmark's protocol is what it always was."""
    protocol = open_benchmark(imported).manifest.protocol
    assert protocol.imported
    assert protocol.seed_scheme == "imported/medmnist-c"
    rendered = Protocol(benchmark_version="1.0", seed=0, channels="source")
    assert not rendered.imported
    assert list(dump(rendered)) == ["benchmark_version", "seed", "seed_scheme", "channels"]


def test_an_interrupted_import_goes_on(imported: Path, configure: Configure) -> None:
    """Stopped after the first file, run again: the rest is imported, and the bytes are the same."""
    config = configure()

    def stop(progress: BuildProgress) -> None:
        if progress.sets_done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_medmnistc(config, on_progress=stop)
    assert not (config.out / MANIFEST_NAME).exists()
    report = import_medmnistc(config)
    assert len(report.kept) == 5
    assert len(report.built) == 22 - 5
    assert tree(config.out) == tree(imported)


def test_a_lost_set_is_imported_alone(imported: Path, configure: Configure) -> None:
    """One missing shard costs one set, whatever its severity."""
    config = configure()
    import_medmnistc(config)
    (shard,) = config.out.glob("data/octmnist/test/pixelate/severity-4-*.parquet")
    shard.unlink()
    report = import_medmnistc(config)
    assert report.built == (SetKey("octmnist", "test", "pixelate", 4),)
    assert tree(config.out) == tree(imported)


def test_workers_change_nothing(imported: Path, configure: Configure) -> None:
    """Two processes write the same bytes as one."""
    config = configure(jobs=2)
    import_medmnistc(config)
    assert tree(config.out) == tree(imported)


def test_damage_at_a_files_end_leaves_no_benchmark(files: Path, configure: Configure, tmp_path: Path) -> None:
    """A file that fails its checksum on the last row gives no set, and nothing looks finished."""
    with np.load(files / "data/octmnist_28.npz") as clean:
        arrays = stacked(dict(clean))
    path = write_corrupted(tmp_path / "c", "octmnist", "pixelate", arrays)
    np.savez(path, **arrays)
    data = bytearray(path.read_bytes())
    data[data.index(b"test_labels") - 60] ^= 1  # among the last pixels, before the next member begins
    path.write_bytes(data)
    config = configure(folder=tmp_path / "c")
    with pytest.raises(SourceError, match=r"pixelate\.npz"):
        import_medmnistc(config)
    assert list(config.out.glob(".medimeta-c/sets/octmnist-test-clean-*.json"))
    assert not (config.out / MANIFEST_NAME).exists()
    assert not list(config.out.glob(".medimeta-c/sets/octmnist-test-pixelate-*.json"))
    assert not list(config.out.rglob("*.part"))


def test_rendered_and_imported_never_share_a_directory(
    configure: Configure, clean_dir: Path, tmp_path: Path
) -> None:
    """A build in the directory of an import is refused, naming the difference."""
    import_medmnistc(configure(datasets=("octmnist",)))
    config = BuildConfig(
        datasets=("rays",), source="imagefolder", data_dir=clean_dir, out=tmp_path / "out", jobs=1
    )
    with pytest.raises(BuildError, match="benchmark_version 'MedMNIST-C'"):
        build(config)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"datasets": ()}, ConfigError, "no dataset given"),
        ({"datasets": ("all", "octmnist")}, ConfigError, "cannot be combined"),
        ({"datasets": ("octmnis",)}, ConfigError, "did you mean 'octmnist'"),
        ({"datasets": ("all",)}, SourceError, "breastmnist"),
        ({"folder": Path("nowhere")}, SourceError, "nowhere has no folder of a MedMNIST dataset"),
        ({"jobs": 0}, ConfigError, "jobs must be at least 1"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    configure: Configure, tmp_path: Path, changes: dict[str, object], kind: type[MediMetaError], message: str
) -> None:
    """In one sentence, and the output directory is not even made."""
    with pytest.raises(kind, match=message):
        import_medmnistc(configure(**changes))
    assert not (tmp_path / "out").exists()


def test_the_command(files: Path, imported: Path, tmp_path: Path) -> None:
    """`import-medmnistc` says what it did, to people and to machines."""
    command = ["import-medmnistc", files / "c", "--data", files / "data", "--out", tmp_path / "out"]
    result = RUNNER.invoke(app, [str(one) for one in (*command, "--jobs", 1)])
    assert result.exit_code == 0, result.output
    assert "22 sets imported, 0 kept" in result.stdout
    result = RUNNER.invoke(app, [str(one) for one in (*command, "--jobs", 1, "--json")])
    assert len(json.loads(result.stdout)["sets_kept"]) == 22
    assert json.loads(result.stdout)["fingerprint"] == open_benchmark(imported).fingerprint
