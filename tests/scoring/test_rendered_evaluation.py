"""`render`: clean images and a manifest give the result that all stored images give, or an error."""

from __future__ import annotations

import operator
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from typer.testing import CliRunner  # noqa: E402

from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.errors import ConfigError, ShardError  # noqa: E402
from medimeta_c.format import png  # noqa: E402
from medimeta_c.format.benchmark import open_benchmark  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.format.seeding import corrupted  # noqa: E402
from medimeta_c.format.shards import Row, ShardWriter, read_tables  # noqa: E402
from medimeta_c.format.spectrum import spectrum  # noqa: E402
from medimeta_c.format.views.rendered import CleanImages, RenderedBenchmark  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.decoding import Prepare, chunks_of, decode_all  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402
from medimeta_corruptions import CORRUPTIONS  # noqa: E402

RENDERED = "medimeta_c.format.views.rendered"
NOISE = SetKey("cells", "test", "gaussian_noise", 3)


@pytest.fixture(scope="module")
def whole(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of six sets."""
    out = tmp_path_factory.mktemp("whole") / "benchmark"
    config = BuildConfig(
        datasets=("cells", "rays"),
        source="imagefolder",
        data_dir=clean_dir,
        out=out,
        corruptions=("gaussian_noise", "contrast"),
        severities=(3,),
        jobs=1,
    )
    build(config)
    return out


@pytest.fixture(scope="module")
def bare(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with nothing but what rendering needs."""
    return bared(whole, tmp_path_factory.mktemp("bare") / "benchmark")


def bared(whole: Path, out: Path) -> Path:
    for path in [whole / "manifest.json", *whole.glob("data/*/*/clean/*"), *whole.glob("stats/groups*")]:
        (out / path.relative_to(whole)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, out / path.relative_to(whole))
    return out


def config_of(model: Path, benchmark: Path, out: Path, **options: object) -> EvaluateConfig:
    common = {"baseline": "none", "device": "cpu", "batch_size": 5, **options}
    return EvaluateConfig(model=f"local-dir:{model}", benchmark=benchmark, out=out, **common)  # type: ignore[arg-type]


def scored(model: Path, benchmark: Path, out: Path, **options: object) -> SavedResult:
    return evaluate(config_of(model, benchmark, out, **options))


def files(saved: SavedResult) -> dict[str, bytes]:
    """The files of a result; none holds a time."""
    return {path.name: path.read_bytes() for path in saved.path.iterdir() if path.is_file()}


@pytest.mark.parametrize("options", [{}, {"limit": 3}], ids=str)
def test_the_result_is_that_of_the_stored_images(
    tiny: Path, whole: Path, bare: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    """To the byte, reports with their pictures too, and of a trial."""
    stored = scored(tiny, whole, tmp_path / "stored", **options)
    expected = files(stored)
    assert {"result.json", "predictions.parquet", "report.md", "report.html"} <= set(expected)
    assert files(scored(tiny, bare, tmp_path / "rendered", render=True, **options)) == expected


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("is_raw", [operator.ne, operator.eq])  # of height and width, which differ here
def test_workers_render_what_is_stored(
    whole: Path, bare: Path, is_raw: Callable[[int, int], bool], workers: int
) -> None:
    """In threads, which share decoded clean images, and in processes."""
    prepare = Prepare(transform=np.asarray, is_raw=is_raw)
    stored, again = open_benchmark(whole), RenderedBenchmark.of(open_benchmark(bare))
    both = (decode_all(chunks_of(each, each.sets), prepare, workers=workers) for each in (stored, again))
    for one, other in zip(*both, strict=True):
        assert (one.key, one.image_ids) == (other.key, other.image_ids)
        assert one.pixels_sha256 == other.pixels_sha256
        assert one.images.tobytes() == other.images.tobytes()
        assert (one.is_rendered, other.is_rendered) == (False, other.key.severity > 0)


def test_without_render_the_missing_sets_are_named(tiny: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"cells/test/.*is missing"):
        scored(tiny, bare, tmp_path)


def test_what_was_scored_of_stored_images_is_resumed_by_rendering(
    tiny: Path, whole: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result does not know whence its images came."""
    stored = files(scored(tiny, whole, tmp_path))
    monkeypatch.setattr(f"{RENDERED}.corrupted", None)  # not called again
    assert files(scored(tiny, bare, tmp_path, render=True)) == stored


def tampered(benchmark: Path, image_id: str) -> None:
    """Change one pixel of a clean image, and its digest in the shard."""
    key = SetKey("cells", "test", "clean", 0)
    bench = open_benchmark(benchmark)
    (path,) = bench.shard_paths(key)
    with ShardWriter(benchmark, key, bench.class_names("cells")) as writer:
        rows = [row for table in read_tables(path) for row in table.to_pylist()]
        for row in rows:
            image = png.decode(row["image"]["bytes"])
            if row["image_id"] == image_id:
                image[0, 0] ^= 1
            writer.add(
                Row(
                    image_id=row["image_id"],
                    label=row["label"],
                    data=png.encode(image),
                    pixels_sha256=png.digest(image),
                    spectrum=spectrum(image),
                )
            )
        writer.finish()


def test_a_changed_clean_image_is_refused(tiny: Path, bare: Path, tmp_path: Path) -> None:
    """By the clean set; and where that was scored before, by the first set rendered from it."""
    copy = Path(shutil.copytree(bare, tmp_path / "copy"))
    first = open_benchmark(copy).sets[0]
    tampered(copy, "class0/000")
    with pytest.raises(ShardError, match="cells/test/clean/severity-0 are not those"):
        scored(tiny, copy, tmp_path / "results", render=True)
    assert first.corruption == "clean"
    assert not list((tmp_path / "results").rglob(".cells/*.parquet"))


def test_pixels_that_another_version_renders_are_refused_before_their_cell_is_kept(
    tiny: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(image: np.ndarray, key: SetKey, *rest: object) -> np.ndarray:
        found = corrupted(image, key, *rest)  # type: ignore[arg-type]
        return found ^ 1 if key == NOISE else found

    with monkeypatch.context() as patched:
        patched.setattr(f"{RENDERED}.corrupted", other)
        with pytest.raises(ShardError, match=r"cells/test/gaussian_noise/severity-3 .* rendered here"):
            scored(tiny, bare, tmp_path, render=True)
    kept = [path.name for path in tmp_path.rglob(".cells/*.parquet")]
    assert kept
    assert not any("gaussian_noise" in name and "cells" in name for name in kept)
    assert scored(tiny, bare, tmp_path, render=True).result.complete


def test_a_corruption_that_is_not_installed_is_one_sentence(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {name: one for name, one in CORRUPTIONS.items() if name != "contrast"}
    monkeypatch.setattr(f"{RENDERED}.CORRUPTIONS", left)
    with pytest.raises(ConfigError, match="has the corruption 'contrast', which is not installed here"):
        RenderedBenchmark.of(open_benchmark(bare))


def test_every_reader_of_a_rendered_benchmark_sees_the_stored_pixels(whole: Path, bare: Path) -> None:
    stored, again = open_benchmark(whole), RenderedBenchmark.of(open_benchmark(bare))
    for key in stored.sets:
        (one,), (other,) = stored.batches(key), again.batches(key)
        assert one.image_ids == other.image_ids
        for expected, found in zip(one.images, other.images, strict=True):
            assert np.array_equal(expected, found)
        assert np.array_equal(stored[key][0].image, again[key][0].image)


def test_clean_images_are_decoded_once_as_far_as_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []
    image = np.zeros((10, 10), np.uint8)

    def decode(data: bytes) -> np.ndarray:
        decoded.append(data)
        return image

    monkeypatch.setattr(png, "decode", decode)
    kept, key = CleanImages(most_bytes=250), NOISE.clean
    for _ in range(3):
        for name in ("a", "b", "c"):
            assert kept.image(key, name, name.encode()) is image
    assert decoded == [b"a", b"b", b"c", b"c", b"c"]
    kept.image(SetKey("rays", "test", "clean", 0), "a", b"of rays")
    assert decoded[-1] == b"of rays"


def test_the_command_renders(tiny: Path, bare: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "--model", f"local-dir:{tiny}", "--benchmark", str(bare), "--baseline", "none"]
    found = CliRunner().invoke(app, [*arguments, "--device", "cpu", "--out", str(tmp_path), "--render"])
    assert found.exit_code == 0, found.output
    assert list(tmp_path.rglob("result.json"))
