"""Which encoder a build uses: chosen once, recorded, and kept whatever a later run would choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees import tree

from medimeta_c.building import assembly
from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.format import png
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_corruptions import _cache

Configure = Callable[..., BuildConfig]
LITTLE = {"severities": (3,), "corruptions": ("contrast", "pixelate")}


def prefer(monkeypatch: pytest.MonkeyPatch, encoder: str) -> None:
    monkeypatch.setattr(assembly, "preferred_encoder", lambda: encoder)


def stored(root: Path) -> set[str]:
    """The encoders whose bytes the shards of a benchmark hold."""
    bench = open_benchmark(root)
    found = set()
    for key in bench.sets:
        for table in bench.tables(key, ("image",)):
            for row in table["image"].to_pylist():
                image = png.decode(row["bytes"])
                found |= {name for name, encode in png.ENCODERS.items() if encode(image) == row["bytes"]}
    return found


def test_a_new_build_has_the_compiled_encoder_and_says_so(build_config: Configure, tmp_path: Path) -> None:
    build(build_config(out=tmp_path / "out", **LITTLE))
    assert open_benchmark(tmp_path / "out").manifest.encoder == png.COMPILED
    assert stored(tmp_path / "out") == {png.COMPILED}


def test_pixels_and_fingerprint_do_not_depend_on_the_encoder(
    build_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = {}
    for encoder in png.ENCODERS:
        prefer(monkeypatch, encoder)
        out = tmp_path / encoder.replace("/", "-")
        prints[encoder] = build(build_config(out=out, **LITTLE)).manifest.fingerprint
        assert stored(out) == {encoder}
    assert len({*prints.values()}) == 1


def test_a_finished_build_goes_on_with_its_encoder(
    build_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sets added later, in two processes, by a version that would choose another."""
    prefer(monkeypatch, png.OPENCV)
    build(build_config(out=tmp_path / "out", **LITTLE))
    prefer(monkeypatch, png.COMPILED)
    build(build_config(out=tmp_path / "out", severities=(3,), jobs=2))
    assert open_benchmark(tmp_path / "out").manifest.encoder == png.OPENCV
    assert stored(tmp_path / "out") == {png.OPENCV}


def test_an_interrupted_build_goes_on_with_its_encoder(
    build_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends with the bytes of one that was never interrupted."""
    prefer(monkeypatch, png.OPENCV)
    build(build_config(out=tmp_path / "whole", **LITTLE))
    done: list[SetKey] = []

    def dies(task: RenderTask) -> object:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task.key)
        return render_set(task)

    with monkeypatch.context() as patch:
        patch.setattr("medimeta_c.building.build.render_set", dies)
        with pytest.raises(KeyboardInterrupt):
            build(build_config(out=tmp_path / "out", jobs=1, **LITTLE))
    prefer(monkeypatch, png.COMPILED)
    build(build_config(out=tmp_path / "out", jobs=1, **LITTLE))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_where_machine_code_cannot_be_kept_nothing_is_compiled_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each worker would compile for itself, which takes longer than OpenCV's encoder takes."""
    monkeypatch.setattr(_cache, "folders", lambda: iter(()))
    assert png.preferred_encoder() == png.OPENCV
