"""The dataset card of a built tree: what the Hub, `datasets` and people read in it."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import yaml
from datasets.utils.metadata import MetadataConfigs
from fake_build import fake_build
from fake_source import FakeSource
from hub_server.cards import validate_card, validate_eval
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from PIL import Image

from medimeta_c.card.dataset_card import render_card, write_card
from medimeta_c.card.evalfile import benchmark_eval_yaml
from medimeta_c.errors import ShardError, WriteError
from medimeta_c.format.manifest.file import read_manifest
from medimeta_c.format.manifest.records import Manifest, SetRecord
from medimeta_c.format.png import decode
from medimeta_c.format.shards import read_tables, schema
from medimeta_c.format.suites import CORE
from medimeta_c.io.templating import templates_folder
from medimeta_corruptions import CORRUPTIONS

PBC = FakeSource("pbc", splits={"test": 5, "val": 2})
OCT = FakeSource(
    "oct",
    channels=1,
    class_names=("CNV", "DME"),
    info_changes={"license": "CC BY-NC-SA 4.0", "title": "Retinal OCT"},
)
KINDS = ("clean", "gaussian_noise", "contrast", "pixelate")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tree of two datasets, three corruptions and two severities, with its card."""
    root = tmp_path_factory.mktemp("tree")
    write_card(root, fake_build(root, [PBC, OCT]))
    return root


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache for `datasets`, without progress bars."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield tmp_path / "cache"
    datasets.enable_progress_bars()


def header(root: Path) -> dict[str, Any]:
    """The metadata as the Hub's own client reads it."""
    data: dict[str, Any] = DatasetCard.load(root / "README.md").data.to_dict()
    return data


def body(manifest: Manifest) -> str:
    """The Markdown below the header."""
    return str(DatasetCard(render_card(manifest)).text)


def rows_of_table(text: str, first_heading: str) -> list[list[str]]:
    """The cells of the body rows of the table whose first column has this heading."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


class TestHeader:
    """What stands in YAML."""

    def test_it_describes_the_repository(self, tree: Path) -> None:
        """Name, licences, tasks, size and tags; nothing with split sizes, which would break filters."""
        data = header(tree)
        assert data["pretty_name"] == "MediMeta-C"
        assert data["license"] == ["cc-by-nc-sa-4.0", "cc-by-sa-4.0"]
        assert data["task_categories"] == ["image-classification", "zero-shot-image-classification"]
        assert data["size_categories"] == ["n<1K"]
        assert "synthetic" not in data["tags"]
        assert "dataset_info" not in data
        assert all("splits" not in config for config in data["configs"])

    def test_terms_without_an_identifier_are_other_with_a_name(self, tmp_path: Path) -> None:
        """The Hub wants a licence name where the licence is `other`, in lower case without spaces."""
        odd = FakeSource(splits={"test": 1}, info_changes={"license": "Ask: the authors | first"})
        write_card(tmp_path, fake_build(tmp_path, [odd], corruptions=()))
        data = header(tmp_path)
        assert data["license"] == "other"
        assert re.fullmatch(r"[a-z0-9.-]+", data["license_name"])

    def test_configurations_are_whole_clean_and_each_corruption(self, tree: Path) -> None:
        """Datasets in the manifest's order, corruptions in the paper's, and one default."""
        configs = header(tree)["configs"]
        names = [config["config_name"] for config in configs]
        assert names == [
            name for dataset in ("oct", "pbc") for name in (dataset, *(f"{dataset}-{kind}" for kind in KINDS))
        ]
        assert [config["config_name"] for config in configs if config.get("default")] == ["oct"]

    def test_configurations_parse_as_datasets_reads_them(self, tree: Path) -> None:
        """`datasets` accepts the configurations and finds the default."""
        parsed = MetadataConfigs.from_dataset_card_data(DatasetCard.load(tree / "README.md").data)
        assert len(parsed) == 10
        assert parsed.get_default_config_name() == "oct"

    def test_the_hub_accepts_it(self, tree: Path) -> None:
        """The checks of the Hub's own validation find neither errors nor anything to warn of."""
        assert validate_card((tree / "README.md").read_text("utf-8"), "dataset") == ([], [])

    def test_patterns_cover_exactly_the_shards_of_the_manifest(self, tree: Path) -> None:
        """Each shard matches a pattern of its whole dataset and of its corruption; nothing else does."""
        manifest = read_manifest(tree / "manifest.json")
        for config in header(tree)["configs"]:
            dataset, _, kind = config["config_name"].partition("-")
            for files in config["data_files"]:
                wanted = [
                    shard.path
                    for record in manifest.sets
                    for shard in record.shards
                    if (record.dataset, record.split) == (dataset, files["split"])
                    and kind in ("", record.corruption)
                ]
                found = [
                    path.relative_to(tree).as_posix()
                    for pattern in files["path"]
                    for path in tree.glob(pattern)
                ]
                assert sorted(found) == sorted(wanted)
                assert all(fnmatch.fnmatch(path, "data/*.parquet") for path in found)

    def test_a_corruption_built_for_one_dataset_is_no_configuration_of_another(self, tmp_path: Path) -> None:
        """Configurations exist only where sets exist."""
        first = fake_build(tmp_path, [FakeSource("a", splits={"test": 1})], corruptions=("contrast",))
        second = fake_build(tmp_path, [FakeSource("b", splits={"test": 1})], corruptions=("pixelate",))
        both = first.model_copy(
            update={"datasets": first.datasets + second.datasets, "sets": first.sets + second.sets}
        )
        names = [config["config_name"] for config in DatasetCard(render_card(both)).data.to_dict()["configs"]]
        assert names == ["a", "a-clean", "a-contrast", "b", "b-clean", "b-pixelate"]

    def test_a_dataset_called_default_is_the_only_default(self, tmp_path: Path) -> None:
        """`datasets` takes a configuration of that name for the default, so no other may be."""
        sources = [FakeSource(name, splits={"test": 1}) for name in ("a", "default")]
        manifest = fake_build(tmp_path, sources, corruptions=())
        parsed = MetadataConfigs.from_dataset_card_data(DatasetCard(render_card(manifest)).data)
        assert parsed.get_default_config_name() == "default"


class TestLoading:
    """`datasets` loads the tree by its card alone."""

    def test_a_whole_dataset(self, tree: Path, hub_cache: Path) -> None:
        """Every set of a split comes, with class names and the very pixels."""
        loaded = datasets.load_dataset(str(tree), "pbc", split="test", cache_dir=str(hub_cache))
        assert len(loaded) == 5 * 7
        assert loaded.features["label"].names == list(PBC.class_names)
        assert set(loaded["corruption"]) == set(KINDS)
        clean = loaded[2]
        assert (clean["corruption"], clean["image_id"]) == ("clean", "000002")
        assert np.array_equal(np.asarray(clean["image"]), PBC.image("test", "000002"))

    def test_grey_images_stay_grey(self, tree: Path, hub_cache: Path) -> None:
        """A grey dataset decodes to one channel, corrupted too."""
        loaded = datasets.load_dataset(str(tree), "oct-gaussian_noise", cache_dir=str(hub_cache))
        assert list(loaded) == ["test"]
        assert {row["image"].mode for row in loaded["test"]} == {"L"}

    def test_another_split(self, tree: Path, hub_cache: Path) -> None:
        """Each built split is a split of the configurations."""
        loaded = datasets.load_dataset(str(tree), "pbc-contrast", cache_dir=str(hub_cache))
        assert {split: len(rows) for split, rows in loaded.items()} == {"test": 10, "val": 4}

    def test_the_snippets_run(self, tree: Path, hub_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Each Python block of the card does what it says, with the repository's id replaced."""
        del hub_cache
        blocks = re.findall(r"```python\n(.*?)```", (tree / "README.md").read_text("utf-8"), re.DOTALL)
        assert len(blocks) == 2
        names: dict[str, Any] = {}
        for block in blocks:
            exec(block.replace('"ORG/NAME"', repr(str(tree))), names)
        assert len(names["everything"]) == 4 * 7
        assert len(names["corrupted"]) == 4 * 2
        assert set(names["one_set"]["severity"]) == {3}
        assert names["table"].column_names == ["label", "image_id", "corruption", "severity"]
        assert "CNV" in capsys.readouterr().out


class TestBody:
    """What people read."""

    def test_datasets_with_splits_and_terms(self, tree: Path) -> None:
        """A row a dataset: its own texts, built splits in bold, class names in label order."""
        text = body(read_manifest(tree / "manifest.json"))
        ids = rows_of_table(text, "id")
        assert [row[0] for row in ids] == ["`oct`", "`pbc`"]
        assert ids[1][1:] == [
            "Fake pbc",
            "Microscopy",
            "cell class",
            "3 (RGB)",
            "**test 5**, **val 2**",
            "MedIMeta",
        ]
        assert "| `oct` | 0 CNV · 1 DME |" in text
        assert (
            "| `oct` | CC BY-NC-SA 4.0 | A. Author (2024). Fake images. | <https://example.org/fake> |"
            in text
        )

    def test_severities_are_those_of_the_registry(self, tree: Path) -> None:
        """Only built corruptions and severities are listed, with the registry's values."""
        rows = rows_of_table(body(read_manifest(tree / "manifest.json")), "corruption")
        assert [row[0] for row in rows] == [f"`{kind}`" for kind in KINDS[1:]]
        for row, kind in zip(rows, KINDS[1:], strict=True):
            assert row[4:] == [CORRUPTIONS[kind].labels[0], CORRUPTIONS[kind].labels[2]]

    def test_columns_are_those_of_a_shard(self, tree: Path) -> None:
        """The column table has a shard's columns in their order."""
        rows = rows_of_table(body(read_manifest(tree / "manifest.json")), "column")
        assert [row[0] for row in rows] == [f"`{name}`" for name in schema(()).names]
        assert all(row[2] for row in rows)

    def test_provenance(self, tree: Path) -> None:
        """Seed, versions, seed derivation and every fingerprint are stated."""
        manifest = read_manifest(tree / "manifest.json")
        text = body(manifest)
        assert "| seed | `0` |" in text
        assert "`medimeta-c/1|<seed>|<dataset>|<split>|<image_id>|<corruption>|<severity>`" in text
        for digest in (manifest.fingerprint, *(record.fingerprint for record in manifest.datasets)):
            assert f"`{digest}`" in text

    def test_limits_metric_and_citation(self, tree: Path) -> None:
        """It says what it is not for, what mCE divides by, and how to cite."""
        text = body(read_manifest(tree / "manifest.json"))
        assert "Not for clinical use" in text
        assert "CLIP ViT-B/16" in text
        assert "@inproceedings{imam2025robustness," in text
        assert "doi       = {10.1007/978-3-031-98688-8_17}" in text

    def test_every_picture_exists(self, tree: Path) -> None:
        """Pictures shown are files of the tree, each smaller than 1.5 MB."""
        shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (tree / "README.md").read_text("utf-8"))
        assert shown == [
            "assets/sample_grid.png",
            "assets/sample_grid_oct.png",
            "assets/sample_grid_pbc.png",
            "assets/spectrum.png",
        ]
        for path in shown:
            assert (tree / path).stat().st_size < 1_500_000
            Image.open(tree / path).verify()

    def test_phantoms_are_announced(self, tmp_path: Path) -> None:
        """Generated images are named as such in the title, the header and a banner before anything else."""
        phantoms = FakeSource(splits={"test": 1}, info_changes={"kind": "phantoms"})
        manifest = fake_build(tmp_path, [phantoms], corruptions=())
        text = body(manifest).strip()
        assert text.startswith("# MediMeta-C (phantoms)\n\n> **Synthetic images, not medical data.**")
        data = DatasetCard(render_card(manifest)).data
        assert data["pretty_name"] == "MediMeta-C (phantoms)"
        assert "synthetic" in data["tags"]

    def test_a_tree_of_clean_sets_says_so(self, tmp_path: Path) -> None:
        """Without corruptions there is no severity table and no grid, and the card still holds together."""
        manifest = fake_build(tmp_path, [FakeSource(splits={"test": 1})], corruptions=())
        write_card(tmp_path, manifest)
        text = body(manifest)
        assert "None: this repository has only clean images." in text
        assert sorted(path.name for path in (tmp_path / "assets").iterdir()) == [
            "sample_grid.png",
            "spectrum.png",
        ]

    @pytest.mark.parametrize(
        ("missing", "sentence"),
        [(0, "Every dataset here has the full grid of 35"), (1, "so no mCE can be computed")],
    )
    def test_it_says_whether_an_mce_can_be_taken(self, tree: Path, missing: int, sentence: str) -> None:
        """A full grid on the test split is named as such, and one missing cell is enough to say no."""
        manifest = read_manifest(tree / "manifest.json")
        cells = [("clean", 0), *((name, s) for name in CORE.corruptions for s in CORE.severities)]
        sets = tuple(retold(manifest.sets[0], *cell) for cell in cells[: len(cells) - missing])
        full = manifest.model_copy(update={"sets": sets, "datasets": manifest.datasets[:1]})
        assert sentence in body(full)


def retold(record: SetRecord, corruption: str, severity: int) -> SetRecord:
    """The record of a set of another corruption and severity."""
    return record.model_copy(update={"corruption": corruption, "severity": severity, "split": "test"})


HOSTILE = {
    "title": 'A | b\n\n# <script>alert("x")</script>',
    "modality": "`code` **bold** [x](javascript:alert(1))",
    "task": "{{ 7 * 7 }} {% raw %}",
    "license": "---\nlicense: mit\n---",
    "citation": "<img src=x onerror=alert(1)> $x$ _y_",
    "homepage": "javascript:alert(document.cookie)",
}


def test_text_from_datasets_does_nothing(tmp_path: Path) -> None:
    """Hostile titles, terms, citations and class names break no table and carry no markup."""
    names = ("a | b", "</table><script>", "c\nd")
    source = FakeSource(splits={"test": 1}, class_names=names, info_changes=HOSTILE)
    manifest = fake_build(tmp_path, [source], corruptions=())
    card = DatasetCard(render_card(manifest))
    assert card.data["license"] == "other"
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(str(card.text))
    assert not re.search(r"<(script|img src=x|b>|strong>bold)|href=.javascript", page)
    assert "49" not in re.findall(r"<td>[^<]*7 \* 7[^<]*</td>", page)[0]
    counts = [row.count("<td") for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "<td" in row]
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    for table in tables:
        widths = {
            row.count("<td") + row.count("<th") for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        }
        assert len(widths) == 1
    assert len(counts) > 10
    assert [line for line in page.splitlines() if line.startswith("<h1")] == ["<h1>MediMeta-C</h1>"]


def test_the_same_build_gives_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    """A card written again, as after an interruption, is byte for byte the same, pictures too."""
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("assets", "README.md", "eval.yaml"))
    write_card(copy, read_manifest(copy / "manifest.json"))
    for path in [tree / "README.md", tree / "eval.yaml", *(tree / "assets").iterdir()]:
        assert path.read_bytes() == (copy / path.relative_to(tree)).read_bytes(), path.name


def test_the_hub_reads_each_dataset_as_a_task(tree: Path) -> None:
    """eval.yaml is what the Hub wants, and its tasks are the configurations that load whole datasets."""
    text = (tree / "eval.yaml").read_text("utf-8")
    assert validate_eval(text) == []
    values = yaml.safe_load(text)
    assert values["name"] == "MediMeta-C 1.0"
    assert values["evaluation_framework"] == "medimeta-c"
    assert [(one["id"], one["config"], one["split"]) for one in values["tasks"]] == [
        ("oct", "oct", "test"),
        ("pbc", "pbc", "test"),
    ]
    assert {one["config"] for one in values["tasks"]} <= {
        config["config_name"] for config in header(tree)["configs"]
    }


def test_without_a_test_split_there_is_no_task(tmp_path: Path) -> None:
    """A build of training images is no benchmark to the Hub; phantoms are called so."""
    train = fake_build(tmp_path, [FakeSource("pbc", splits={"train": 2})], corruptions=())
    write_card(tmp_path, train)
    assert not (tmp_path / "eval.yaml").exists()
    phantoms = train.model_copy(
        update={
            "datasets": tuple(one.model_copy(update={"kind": "phantoms"}) for one in train.datasets),
            "sets": tuple(one.model_copy(update={"split": "test"}) for one in train.sets),
        }
    )
    assert "name: MediMeta-C (phantoms) 1.0" in str(benchmark_eval_yaml(phantoms))


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    """A shard that cannot be read stops the card with the file's name."""
    manifest = fake_build(tmp_path, [FakeSource(splits={"test": 1})], corruptions=())
    shard = tmp_path / manifest.sets[0].shards[0].path
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(ShardError, match=r"severity-0-00000-of-00001\.parquet is damaged"):
        write_card(tmp_path, manifest)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the pictures' folder should be stops the card with one sentence, and no card is left."""
    manifest = fake_build(tmp_path, [FakeSource(splits={"test": 1})], corruptions=())
    (tmp_path / "assets").write_text("in the way")
    with pytest.raises(WriteError, match=r"cannot write .*sample_grid\.png"):
        write_card(tmp_path, manifest)
    assert not (tmp_path / "README.md").exists()


def test_stored_images_are_what_the_source_gives(tree: Path) -> None:
    """The helper tree of these tests is a real one: shards decode to the source's pixels."""
    path = tree / "data/oct/test/clean/severity-0-00000-of-00001.parquet"
    table = next(read_tables(path))
    assert np.array_equal(decode(table["image"][1]["bytes"].as_py()), OCT.image("test", "000001"))


def test_templates_are_found() -> None:
    """The card's template is there, in the package or in the checkout."""
    assert (templates_folder() / "dataset_card.md.jinja").is_file()


def test_importing_the_card_draws_nothing() -> None:
    """matplotlib is imported when a figure is drawn, not before."""
    script = "import sys, medimeta_c.card.dataset_card; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
