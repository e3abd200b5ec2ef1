"""Which cards can be published."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c.card.card_check import check_card, pictures
from medimeta_c.errors import PublishError
from medimeta_c.format.manifest.file import read_manifest


def test_the_built_card_passes(built: Path) -> None:
    """A card as the build wrote it is whole, and names the pictures that are there."""
    text = check_card(built, read_manifest(built / "manifest.json"))
    drawn = {path.relative_to(built).as_posix() for path in (built / "assets").iterdir()}
    assert set(pictures(text)) == drawn


def test_pictures_of_others_are_not_ours() -> None:
    """Only files of the card's own assets folder count; addresses and parent folders do not."""
    text = "![a](assets/a.png) <img src='assets/b.svg'> https://x.org/assets/c.png ../assets/d.png"
    assert pictures(text) == ("assets/a.png", "assets/b.svg")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.partition("---\n\n")[2], "does not start with a YAML header"),
        (lambda text: text.replace("license: other", "license: [", 1), "does not start with a YAML header"),
        (lambda text: "---\na: 1\n---\n", "lists no configurations"),
        (lambda text: text.replace("config_name: rays-clean", "config_name: rays", 1), "duplicate"),
        (lambda text: text.replace("rays/test/contrast/*", "rays/test/contrats/*"), "matches no shard"),
        (lambda text: text.replace("contrast/*.parquet", "contrast/severity-1*.parquet"), "severity-3-00000"),
        (lambda text: text.replace("contrast/*.parquet", "contrast/severity-*.parquet"), ""),
        (
            lambda text: "---\nconfigs:\n- config_name: a\n  data_files: data/*/*/*/*.parquet\n---\n",
            "only its header or only the build has a configuration 'a'",
        ),
        (
            lambda text: text.replace(
                "- config_name: rays-contrast\n  data_files:\n  - split: test\n    path:\n"
                "    - data/rays/test/contrast/*.parquet",
                "- config_name: rays-contrast\n  data_files:\n  - split: test\n    path:\n"
                "    - data/rays/test/clean/*.parquet",
            ),
            "'rays-contrast' loads other files",
        ),
        (lambda text: text.replace("split: test", "split: train"), "loads other files"),
        (lambda text: text.replace("  default: true\n", ""), "default configuration differs"),
        (lambda text: text.replace("---\n", "---\ndataset_info: []\n", 1), "dataset_info"),
        (
            lambda text: text.replace("  default: true\n", "  default: true\n  drop_labels: true\n"),
            "or has other settings",
        ),
        (lambda text: "\udcff", "is not UTF-8 text"),
    ],
    ids=[
        "no header",
        "broken",
        "no configs",
        "twice",
        "finds none",
        "leaves out",
        "by hand",
        "own name",
        "elsewhere",
        "split",
        "default",
        "features",
        "otherwise",
        "binary",
    ],
)
def test_cards(small: Path, tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    """The configurations of a card load every shard there is, and none that is not; or it is refused."""
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    card = copy / "README.md"
    card.write_bytes(change(card.read_text(encoding="utf-8")).encode(errors="surrogateescape"))
    manifest = read_manifest(copy / "manifest.json")
    if not message:
        check_card(copy, manifest)
        return
    with pytest.raises(PublishError, match=message):
        check_card(copy, manifest)
