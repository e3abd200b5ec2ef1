"""Clean data in an object store, through a local cache: the same build, and nothing is fetched twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_reading_benchmarks import put

from medimeta_c import BuildConfig, build
from medimeta_c.errors import ConfigError, SourceError, StoreError
from medimeta_c.io.stores.stored import StoredPath


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are fetched."""
    names: list[str] = []
    download = StoredPath.download

    def noted(self: StoredPath, target: Path) -> None:
        names.append(self.name)
        download(self, target)

    monkeypatch.setattr(StoredPath, "download", noted)
    return names


@pytest.fixture
def few(build_config: Callable[..., BuildConfig], tmp_path: Path) -> Callable[..., BuildConfig]:
    def configure(**changes: object) -> BuildConfig:
        values: dict[str, object] = {"datasets": "rays", "corruptions": "contrast", "severities": (1, 3)}
        return build_config(**{**values, "cache": tmp_path / "cache", **changes})

    return configure


def test_a_build_of_it_is_that_of_a_local_folder(
    root: StoredPath, few: Callable[..., BuildConfig], clean_dir: Path, small: Path, tmp_path: Path
) -> None:
    put(clean_dir, root / "clean")
    report = build(few(data_dir=f"{root}/clean"))
    assert (tmp_path / "out/manifest.json").read_bytes() == (small / "manifest.json").read_bytes()
    assert not [*(tmp_path / "cache").rglob("cells/*/*")], "only what is asked for is fetched"
    assert report.manifest.fingerprint


def test_only_what_changed_is_fetched_again(
    s3: StoredPath, few: Callable[..., BuildConfig], clean_dir: Path, fetched: list[str], tmp_path: Path
) -> None:
    put(clean_dir / "rays", s3 / "clean/rays")
    few(data_dir=f"{s3}/clean").fetch_data()
    count = len(fetched)
    assert count == 8
    few(data_dir=f"{s3}/clean").fetch_data()
    assert len(fetched) == count
    (s3 / "clean/rays/class0/000.png").write_bytes((clean_dir / "rays/class1/001.png").read_bytes())
    (s3 / "clean/rays/class0/001.png").remove()
    few(data_dir=f"{s3}/clean").fetch_data()
    assert fetched[count:] == ["000.png"]
    kept = few(data_dir=f"{s3}/clean").data_dir / "rays/class0"
    assert sorted(one.name for one in kept.iterdir()) == ["000.png", "002.png", "003.png"]
    (kept / "002.png").write_bytes(b"cut")
    few(data_dir=f"{s3}/clean").fetch_data()
    assert fetched[count + 1 :] == ["002.png"]


def test_nothing_there_is_said(s3: StoredPath, few: Callable[..., BuildConfig]) -> None:
    with pytest.raises(SourceError, match=rf"there is nothing at {s3}/clean"):
        build(few(data_dir=f"{s3}/clean"))
    with pytest.raises(StoreError, match="there is no bucket 'bucket-of-nobody'"):
        build(few(data_dir="s3://bucket-of-nobody/clean"))


def test_a_cache_of_local_data_is_refused(few: Callable[..., BuildConfig]) -> None:
    """It would be used for nothing."""
    with pytest.raises(ConfigError, match="a cache is used only for data at a URL"):
        few()


def test_an_object_whose_name_leaves_the_folder_is_refused(
    s3: StoredPath, few: Callable[..., BuildConfig], tmp_path: Path
) -> None:
    s3.store.filesystem().call_s3("put_object", Bucket=s3.path, Key="clean/rays/../../../evil", Body=b"1")
    with pytest.raises(StoreError, match="unusual name"):
        build(few(data_dir=f"{s3}/clean"))
    assert not [*tmp_path.rglob("evil")]
