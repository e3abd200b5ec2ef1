"""Settings that people write, pins, answers of a server, studies with readers, keys."""

from __future__ import annotations

import io
import json
import zipfile
from importlib.util import find_spec
from pathlib import Path

import yaml


def write_texts(root: Path) -> None:
    """Write prompts, sweeps, pins, an archive, and the answer of a server."""
    folder = root / "texts"
    folder.mkdir()
    prompts = {
        **{"version": 1, "name": "mine", "revision": 1, "description": "Mine.", "extends": "paper"},
        "templates": ["a {modality} photo of {class}"],
        "datasets": {"rays": {"modality": "x-ray", "classes": {"class0": "clear", "class1": "dense"}}},
    }
    (folder / "prompts.yaml").write_text(yaml.safe_dump(prompts, sort_keys=False))
    several = {**prompts, "templates": ["a {modality} photo of {class}", "{class}, a {modality}"]}
    (folder / "paraphrases.yaml").write_text(yaml.safe_dump(several, sort_keys=False))
    given = "leaderboard/results/example-laboratory/exact-model/1e5f2fae82ff/submission.yaml"
    submission = yaml.safe_load((root / given).read_text())
    changes = (
        {"third_party": True, "submitted_by": "Another laboratory"},
        {"schema_version": 2, "date": "2026-01-31", "trained_on": ["rays of another hospital"]},
        {"adaptation": "few-shot", "paper": "https://example.org/paper", "notes": "Trained on a few images."},
    )
    for number, changed in enumerate(changes):
        text = yaml.safe_dump({**submission, **changed}, sort_keys=False)
        (folder / f"submission-{number}.yaml").write_text(text)
    sweep = {
        "models": ["ViT-B-32/openai", {"model": "timm:x", "precision": "bf16"}],
        "benchmarks": ["a", "b"],
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    pin = {
        **{"url": "https://zenodo.org/records/1/files/oct.zip", "record": "1", "version": "1.0 (revision 2)"},
        **{"size": 12, "md5": "0" * 32, "sha256": "0" * 64},
    }
    (folder / "download.lock.json").write_text(json.dumps({"schema": 1, "archives": {"oct.zip": pin}}))
    file = {"key": "oct.zip", "size": 12, "checksum": "md5:" + "0" * 32, "links": {"self": pin["url"]}}
    answer = {
        "id": 1,
        "revision": 2,
        "metadata": {"version": "1.0"},
        "files": [file, {**file, "key": "b.zip"}],
    }
    (folder / "zenodo.json").write_text(json.dumps(answer))
    (root / "images/rays/info.yaml").write_text(
        "title: Rays\nmodality: x-ray\nclass_names:\n  a: clear\n  b: dense\n"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("oct/info.yaml", "a: 1\n" * 20)
        archive.writestr("oct/splits/test.txt", "images/000000.tiff\n")
    (folder / "oct.zip").write_bytes(stream.getvalue())


def write_studies(root: Path) -> None:
    """Write a study with readers, and its answers."""
    from simulated import answers, study

    made = study(1, catch=1)
    folder = root / "study"
    folder.mkdir()
    (folder / "mine.study.json").write_text(made.model_dump_json())
    said = answers(made, {"read": 3.0, "compare": 2.0}, 1)
    (folder / "answers.json").write_text(said.model_dump_json())


def write_keys(root: Path) -> None:
    """Write a key, and sign a benchmark with it."""
    if find_spec("cryptography") is None:
        return
    from medimeta_c.format.signing.benchmark import sign
    from medimeta_c.format.signing.keys import SecretKey

    key = SecretKey(bytes(range(8)), bytes(range(32)))
    (root / "keys").mkdir()
    key.write(root / "keys/own.key")
    key.write(root / "keys/own.key.protected", "password", operations=1 << 15, memory=1 << 20)
    key.public.write(root / "keys/own.pub")
    sign(root / "benchmark", root / "keys/own.key")
