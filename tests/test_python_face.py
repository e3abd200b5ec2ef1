"""`import medimeta_c`, as an ordinary Python caller uses it."""

from __future__ import annotations

import ast
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medimeta_c
from medimeta_c.errors import ConfigError, MissingExtraError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_dir: Path) -> Path:
    """The current folder; clean data is where ``MEDIMETA_DATA`` says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIMETA_DATA", str(clean_dir))
    return tmp_path


def config(**changes: Any) -> medimeta_c.BuildConfig:
    values: dict[str, Any] = {
        "datasets": "rays",
        "source": "imagefolder",
        "out": "small",
        "corruptions": "contrast",
        "severities": 3,
        "splits": "test",
        "jobs": 1,
    }
    return medimeta_c.BuildConfig(**{**values, **changes})


def test_one_name_and_paths_as_texts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Build, verify and open with texts, where MEDIMETA_DATA says that clean data is, quietly."""
    report = medimeta_c.build(config())
    assert report.root == Path("small")
    assert [str(key) for key in report.built] == [
        "rays/test/clean/severity-0",
        "rays/test/contrast/severity-3",
    ]
    assert medimeta_c.verify("small", rebuild=1, jobs=1).ok
    assert medimeta_c.open_benchmark("small").datasets == ("rays",)
    assert capsys.readouterr() == ("", "")


def test_progress_is_an_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a callback; the bar is that of `medimeta_c.io.progress`."""
    from medimeta_c.io import progress

    shown: list[str] = []
    monkeypatch.setattr(progress, "_LINES_S", 0.0)
    monkeypatch.setattr(progress, "_sentence", lambda text, *rest: shown.append(text) or text)
    medimeta_c.build(config(), progress=True)
    medimeta_c.verify("small", jobs=1, progress=True)
    assert shown == ["building 0/2 sets", "building 1/2 sets", "building 2/2 sets", "verifying", "verifying"]


def test_the_shell_and_python_mean_the_same_data(folder: Path, clean_dir: Path) -> None:
    """``MEDIMETA_DATA`` is the default of every configuration that reads clean data, and of the shell."""
    from medimeta_c.sources import default_data_dir

    assert config().data_dir == clean_dir == default_data_dir()
    assert config(data_dir="elsewhere").data_dir == Path("elsewhere")
    shell = [sys.executable, "-m", "medimeta_c", "build", "--dataset", "rays", "--source", "imagefolder"]
    shell += ["--corruption", "contrast", "--severity", "3", "--jobs", "1", "--out", "by-shell"]
    subprocess.run(shell, check=True, capture_output=True)
    python = medimeta_c.build(config()).manifest
    assert medimeta_c.open_benchmark("by-shell").fingerprint == python.fingerprint


def test_without_the_variable_it_is_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is no variable."""
    from platformdirs import user_data_path

    monkeypatch.setenv("MEDIMETA_DATA", "")
    assert config().data_dir == user_data_path("medimeta-c", appauthor=False)


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "a text for a config": (
        lambda: medimeta_c.build("pbc"),  # type: ignore[arg-type]
        "build takes a BuildConfig, not 'pbc': call build(BuildConfig(...))",
    ),
    "a number of datasets": (
        lambda: config(datasets=3),
        "datasets 3 is not valid: give a text or a Source",
    ),
    "no datasets": (lambda: config(datasets=()), "no dataset given"),
    "a dataset twice": (lambda: config(datasets=["rays", "rays"]), "duplicate dataset: rays"),
    "an unknown corruption": (lambda: config(corruptions="contrst"), "did you mean 'contrast'?"),
    "severity six": (lambda: config(severities=[3, 6]), "unknown severity 6: use 1 to 5, or 0 for clean"),
    "a split by its letters": (lambda: config(splits=["a/b"]), "split name 'a/b' is not usable"),
    "no process": (lambda: medimeta_c.verify("small", jobs=0), "jobs must be at least 1, or -1"),
    "a number for a folder": (
        lambda: medimeta_c.verify(3),  # type: ignore[arg-type]
        "root 3 is not a path: give a str or a pathlib.Path",
    ),
    "nothing to open": (lambda: medimeta_c.open_benchmark(""), "benchmark '' is not a path"),
    "a number for an image": (
        lambda: medimeta_c.read_image(3),  # type: ignore[arg-type]
        "image 3 is not a path",
    ),
    "another kind of config": (
        lambda: medimeta_c.evaluate("pbc"),  # type: ignore[arg-type]
        "evaluate takes an EvaluateConfig",
    ),
    "a severity as a text": (
        lambda: medimeta_c.SetKey("pbc", "test", "contrast", "3"),  # type: ignore[arg-type]
        "severity '3' is not valid: give a whole number",
    ),
    "a text to corrupt by": (
        lambda: medimeta_c.corrupt_files("a.png", "contrast", "3", "out"),
        "unknown severity '3': use 1 to 5",
    ),
    "no image to corrupt": (
        lambda: medimeta_c.corrupt_files([], "contrast", 3, "out"),
        "no image is given: give one or more",
    ),
    "nothing to compare": (lambda: medimeta_c.compare([]), "no result is given: give two or more"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_wrong_argument_is_our_error(case: str) -> None:
    """One sentence: what, the value, and what to give. No TypeError from somewhere below."""
    call, message = CALLS[case]
    with pytest.raises(ConfigError) as caught:
        call()
    assert message in str(caught.value)


def test_every_name_is_typed_documented_and_resolved() -> None:
    """`__all__`, what a type checker sees, what resolves, and the table of docs/python.md are one list."""
    tree = ast.parse(Path(medimeta_c.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname or alias.name: f"{each.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for each in node.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    page = (Path(__file__).parents[1] / "docs/python.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)`", page, flags=re.MULTILINE))
    assert seen == medimeta_c._EXPORTS
    assert {*seen, "MediMetaError", "ConfigError", "__version__"} == set(medimeta_c.__all__)
    assert listed == set(medimeta_c.__all__)
    for name in medimeta_c.__all__:
        text = getattr(medimeta_c, name).__doc__
        assert text and not text.startswith(f"{name}("), name  # as of a dataclass that has none of its own


def test_nothing_else_is_in_dir() -> None:
    """Not the annotations of the module, and no submodule that happens to be imported."""
    import medimeta_c.figures

    assert dir(medimeta_c) == sorted(medimeta_c.__all__)


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Names are resolved when they are used."""
    heavy = "{'numpy', 'torch', 'pyarrow', 'pydantic', 'rich'}"
    script = f"import sys, medimeta_c; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


class TestBenchmark:
    """A built benchmark is a collection of sets, and a set is a sequence of images."""

    def test_it_counts_its_sets_and_gives_them_in_order(self, built: Path) -> None:
        bench = medimeta_c.open_benchmark(built)
        assert len(bench) == len(bench.sets) == 72
        assert [images.key for images in bench] == list(bench.sets)

    @pytest.mark.parametrize(
        ("where", "key"),
        [
            (("rays", "contrast", 3), "rays/test/contrast/severity-3"),
            (("rays", "test", "contrast", 3), "rays/test/contrast/severity-3"),
            (("rays", "clean"), "rays/test/clean/severity-0"),
            (("rays", "clean", 0), "rays/test/clean/severity-0"),
            (("rays", "test", "clean"), "rays/test/clean/severity-0"),
            (medimeta_c.SetKey("rays", "test", "contrast", 3), "rays/test/contrast/severity-3"),
        ],
        ids=repr,
    )
    def test_a_set_by_its_names(self, built: Path, where: Any, key: str) -> None:
        """The split is test unless it is named; clean has severity 0."""
        bench = medimeta_c.open_benchmark(built)
        assert str(bench[where].key) == key
        assert where in bench

    @pytest.mark.parametrize(
        ("where", "message"),
        [
            (
                ("rays", "contrst", 3),
                "has no set rays/test/contrst/severity-3: did you mean 'contrast'? (corr",
            ),
            (
                ("ray", "contrast", 3),
                "has no set ray/test/contrast/severity-3: did you mean 'rays'? (dataset: c",
            ),
            (("rays", "val", "contrast", 3), "severity-3: build it, or choose another split (split: test)"),
            (("rays", "contrast", 6), "severity must be 1 to 5"),
            ("rays", "'rays' is not a set: give (dataset, corruption, severity)"),
            (3, "3 is not a set"),
        ],
        ids=repr,
    )
    def test_what_was_not_built_is_our_error(self, built: Path, where: Any, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            medimeta_c.open_benchmark(built)[where]
        assert message in str(caught.value)

    def test_images_by_index_and_in_order_are_those_of_batches(self, built: Path) -> None:
        images = medimeta_c.open_benchmark(built)["cells", "gaussian_noise", 3]
        batches = list(images.batches(batch_size=5))
        pixels = [image for batch in batches for image in batch.images]
        assert len(images) == len(pixels) == 12
        for index, sample in enumerate(images):
            again = sample
            assert np.array_equal(sample.image, pixels[index])
            assert np.array_equal(again.image, pixels[index])
            assert (sample.image_id, sample.label) == (again.image_id, again.label)
            assert sample.class_name == images.class_names[sample.label]
        assert images.image_ids == tuple(name for batch in batches for name in batch.image_ids)
        assert images.labels.tolist() == [label for batch in batches for label in batch.labels]
        assert np.array_equal(images[-1].image, pixels[-1])
        assert np.array_equal(images[np.int64(1)].image, pixels[1])
        for outside in (12, -13):
            with pytest.raises(IndexError, match=f"image {outside} is out of range: .* 12 images"):
                images[outside]

    def test_a_set_goes_to_another_process(self, built: Path) -> None:
        images = medimeta_c.open_benchmark(built)["cells", "contrast", 1]
        first = images[0]
        again = pickle.loads(pickle.dumps(images))[0]
        assert np.array_equal(first.image, again.image)

    def test_tables_and_plain_values(self, built: Path) -> None:
        bench = medimeta_c.open_benchmark(built)
        frame = bench.to_pandas()
        assert len(frame) == len(bench)
        assert frame.images.sum() == sum(len(images) for images in bench)
        assert list(frame.columns[:5]) == ["dataset", "split", "corruption", "severity", "images"]
        assert bench.to_dict() == json.loads((built / "manifest.json").read_text(encoding="utf-8"))
        assert bench.manifest.datasets[0].to_dict()["dataset"] == "cells"


class TestRepr:
    """What a notebook or a debugger prints is short, and a notebook's HTML is escaped."""

    def test_representations_fit_on_a_few_lines(self, built: Path) -> None:
        bench = medimeta_c.open_benchmark(built)
        images = bench["rays", "contrast", 3]
        report = medimeta_c.verify(built, jobs=1)
        batch = next(images.batches())
        shown = [bench, bench.manifest, bench.manifest.sets[0], bench.manifest.datasets[0], images, images[0]]
        for each in [*shown, report, report.manifest.protocol, batch]:
            assert len(repr(each)) < 400, type(each)
            assert len(str(each)) < 400, type(each)
            assert "\n" not in repr(each)
        assert repr(images).endswith("'rays/test/contrast/severity-3', 8 images)")
        assert (
            repr(bench.manifest)
            == f"Manifest(cells, rays: 72 sets, 720 images, '{bench.fingerprint[:12]}'...)"
        )
        assert repr(images[0]) == (
            "Sample(image=<uint8 array of shape (26, 22)>, label=0, class_name='class0', "
            f"image_id='{images[0].image_id}', key=rays/test/contrast/severity-3)"
        )

    def test_a_benchmark_is_a_table(self, built: Path) -> None:
        page = medimeta_c.open_benchmark(built)._repr_html_()
        assert page.count("<tr") == 3
        assert "cells" in page and "rays" in page

    def test_a_build_is_a_table(
        self, built: Path, build_config: Callable[..., medimeta_c.BuildConfig]
    ) -> None:
        """Sets built and kept of each dataset, and their images."""
        report = medimeta_c.build(build_config(datasets="rays", corruptions="contrast", severities=1))
        page = report._repr_html_()
        assert page.count("<tr") == 2
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
        assert [cell.strip() for cell in cells][-3:] == ["2", "0", "16"]

    def test_a_set_is_its_first_images(self, built: Path) -> None:
        images = medimeta_c.open_benchmark(built)["rays", "contrast", 3]
        assert images._repr_html_().count('src="data:image/png;base64,') == 4
        assert images[0]._repr_png_().startswith(b"\x89PNG")

    def test_names_do_nothing_in_html(self, built: Path) -> None:
        """A title from a data folder stays a text."""
        bench = medimeta_c.open_benchmark(built)
        evil = bench.manifest.datasets[0].model_copy(update={"title": "<script>alert(1)</script>"})
        manifest = bench.manifest.model_copy(update={"datasets": (evil, bench.manifest.datasets[1])})
        page = medimeta_c.Benchmark("<b>", manifest, built.joinpath)._repr_html_()
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert "<b>:" not in page


def test_a_data_frame_without_pandas(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pandas is optional; the error has the line that installs it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError) as caught:
        medimeta_c.open_benchmark(built).to_pandas()
    assert str(caught.value).startswith("a DataFrame needs the 'pandas' extra: ")
    assert str(caught.value).endswith(" '.[pandas]'")


class TestTorch:
    """A benchmark, or some of its sets, for a ``DataLoader``."""

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch", reason="needs the 'evaluate' extra")

    def test_images_are_tensors_from_0_to_1(self, built: Path) -> None:
        import torch

        bench = medimeta_c.open_benchmark(built)
        data = medimeta_c.TorchDataset(bench["cells", "contrast", 3])
        pixels, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=12)))
        first = bench["cells", "contrast", 3][0]
        assert pixels.shape == (12, 3, 22, 26)
        assert torch.equal(
            (pixels[0] * 255).round().to(torch.uint8).permute(1, 2, 0), torch.tensor(first.image)
        )
        assert labels.tolist() == bench["cells", "contrast", 3].labels.tolist()
        assert medimeta_c.TorchDataset(bench["rays", "clean"])[0][0].shape == (1, 26, 22)

    def test_several_sets_one_after_the_other(self, built: Path) -> None:
        bench = medimeta_c.open_benchmark(built)
        data = medimeta_c.TorchDataset(
            [bench["rays", "clean"], bench["cells", "clean"]], transform=lambda image: image.size
        )
        assert len(data) == 20
        assert [data[index][0] for index in (0, 7, 8, 19, -1)] == [(22, 26)] * 2 + [(26, 22)] * 3
        assert len(medimeta_c.TorchDataset(bench)) == 720
        with pytest.raises(IndexError):
            data[20]

    @pytest.mark.parametrize("wrong", [[], [3], 3], ids=["nothing", "numbers", "a number"])
    def test_anything_else_is_our_error(self, wrong: Any) -> None:
        with pytest.raises(ConfigError, match="needs one set or several"):
            medimeta_c.TorchDataset(wrong)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"datasets": "fundis"}, "unknown dataset 'fundis': did you mean 'fundus'?"),
        ({"source": "imagefoldr"}, "unknown source 'imagefoldr': did you mean 'imagefolder'?"),
        ({"source": "imagefolder", "datasets": "all"}, "'all' is not defined for the source imagefolder"),
        ({"corruptions": "constrast"}, "unknown corruption 'constrast': did you mean 'contrast'?"),
    ],
    ids=repr,
)
def test_names_of_a_build_are_checked_where_it_is_made(values: dict[str, Any], message: str) -> None:
    """A mistyped name is found before there is any data."""
    with pytest.raises(ConfigError) as caught:
        medimeta_c.BuildConfig(**{"datasets": "pbc", "out": "nowhere", "data_dir": "nowhere", **values})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"device": "cud"}, "unknown device 'cud': did you mean 'cuda'?"),
        ({"prompts": "papr"}, "unknown template set 'papr': did you mean 'paper'?"),
        ({"prompts": "absent/prompts.yaml"}, "absent/prompts.yaml"),
        ({"metrics": "acuracy"}, "unknown metric 'acuracy'"),
    ],
    ids=repr,
)
def test_names_of_an_evaluation_are_checked_where_it_is_made(values: dict[str, Any], message: str) -> None:
    """A mistyped name is found before a benchmark or a model is opened."""
    pytest.importorskip("torch", reason="needs the 'evaluate' extra")
    with pytest.raises(ConfigError) as caught:
        medimeta_c.EvaluateConfig(**{"model": "ViT-B-16/openai", "benchmark": "nowhere", **values})
    assert message in str(caught.value)
