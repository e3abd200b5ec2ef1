"""Valid files of every kind that is read, written by this version or kept from the first."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray
from PIL import Image

TESTS = Path(__file__).parents[1]
for folder in (TESTS, TESTS / "readers", TESTS / "sources", TESTS / "sources/pictures"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
GOLDEN = TESTS / "golden"


def write_corpus(root: Path) -> None:
    """Write all seeds below a folder that does not exist yet."""
    shutil.copytree(GOLDEN / "schema1", root)
    shutil.copytree(GOLDEN / "formats", root / "formats")
    for write in (_results, _sweeps, _sources, _models, _texts, _readers, _keys):
        write(root)
    if all(find_spec(name) for name in ("torch", "open_clip", "transformers", "sentencepiece")):
        from fuzz_models import write_models

        write_models(root)


def _results(root: Path) -> None:
    from medimeta_c.format.keys import SetKey
    from medimeta_c.format.manifest.file import read_manifest
    from medimeta_c.format.stats import write_groups
    from medimeta_c.results.featurefile import Features, write_features
    from medimeta_c.results.paraphrases.cells import SweptCell, write_swept_cells
    from medimeta_c.results.words.answers import CellAnswers, write_answers

    folder = root / "made"
    folder.mkdir()
    key = SetKey("rays", "test", "contrast", 1)
    ids, labels = ("000000", "000001", "000002"), np.array([0, 1, 0])
    answers = CellAnswers(
        image_ids=ids,
        orders=[[0, 1]] * 3,
        texts=["a", "b", "a"],
        without_image=labels,
        with_grey_image=labels,
        confidence_texts=["90", "?", "5"],
        confidences=np.array([90, np.nan, 5], dtype=np.float32),
    )
    write_answers(folder / "answers.parquet", {key: answers})
    predictions = np.array([[0, 1], [1, 1], [-1, 0]], dtype=np.int16)
    write_swept_cells(
        folder / "prompts-sweep.parquet",
        [SweptCell(key=key, image_ids=ids, labels=labels, predictions=predictions)],
    )
    vectors = np.eye(3, 4, dtype=np.float32)
    _write_kept_features(folder / "kept.parquet", ids, labels, vectors)
    rows = tuple(("rays", "contrast", 1, name, label) for name, label in zip(ids, (0, 1, 0), strict=True))
    write_features(
        folder / "features.parquet", Features(model="m", rows=rows, vectors=vectors, phantoms=("rays",))
    )
    (root / "grouped/stats").mkdir(parents=True)
    manifest = read_manifest(root / "benchmark/manifest.json")
    groups = {("rays", "test"): dict(zip(ids, (0, 0, 1), strict=True))}
    (record,) = write_groups(root / "grouped", manifest.sets, groups)
    (root / "grouped/record.json").write_text(record.model_dump_json())
    given = {
        "set": ["rays/test/contrast/severity-1"] * 3,
        "image_id": list(ids),
        "prediction": ["0", "1", None],
        "probabilities": [[0.9, 0.1], [0.2, 0.8], None],
        "label": [0, 1, 0],
    }
    pq.write_table(pa.table(given), folder / "given.parquet")
    (folder / "given.csv").write_text(
        "dataset,corruption,severity,image_id,prediction,probabilities\n"
        'rays,contrast,1,000000,0,"[0.9, 0.1]"\n'
        'rays,contrast,1,000001,1,"[0.2, 0.8]"\n'
        "rays,clean,0,000002,,\n"
    )


def _sweeps(root: Path) -> None:
    """Write the records of probes and of a sweep over prompts."""
    from medimeta_c.io.records import write_record
    from medimeta_c.metrics.grid import Scope
    from medimeta_c.metrics.values import Number
    from medimeta_c.metrics.variance import VarianceSplit
    from medimeta_c.results.ablation import Scored
    from medimeta_c.results.paraphrases import record as sweeps
    from medimeta_c.results.paraphrases.cells import cells_sha256, read_swept_cells
    from medimeta_c.results.probes import Overlap, ProbeRun, Probes
    from medimeta_c.results.result import read_result

    numbers = {"clean_accuracy": 0.75, "average_accuracy": 0.5, "mce": None, "why_no_mce": "no baseline"}
    scored = Scored(**numbers, clean_error=0.25)
    run = {"head": "knn", "title": "k-NN", "seed": 0, "folder": "m-knn/0", "scored": scored}
    probes = Probes(
        **{"model": "m", "benchmark": "b", "fingerprint": "0" * 64, "split": "test", "draw_from": "train"},
        baseline=None,
        overlap={"rays": Overlap(groups=3, shared=1, images=6, shared_images=2)},
        left_out={"tip": "no texts"},
        runs=tuple(ProbeRun(**run, shots=shots, datasets={"rays": scored}) for shots in (1, None)),
    )
    write_record(root / "made/probes.json", probes)
    swept = read_swept_cells(root / "made/prompts-sweep.parquet")
    paraphrases = tuple(
        sweeps.Paraphrase.of(
            "rays",
            {"class0": f"a {kind} of class0", "class1": f"a {kind} of class1"},
            {"clean_accuracy": number},
        )
        for kind, number in (("photo", Number(value=0.5)), ("scan", Number(value=0.75)))
    )
    dataset = sweeps.DatasetSweep(
        origin="1" * 64,
        paraphrases=paraphrases,
        spreads=sweeps.spreads_of([one.numbers for one in paraphrases]),
        variance={"clean_accuracy": VarianceSplit(images=0.1, prompts=0.2, n_prompts=2)},
    )
    sweep = sweeps.PromptsSweep(
        model=read_result(root / "results/python-golden-model-model/1e5f2fae82ff").run.model,
        **{"fingerprint": "2" * 64, "prompts": "mine", "revision": 1, "baseline": None, "adapter": None},
        scope=Scope(severities=(1,), corruptions={"rays": ("contrast",)}),
        baseline_sha256=None,
        datasets={"rays": dataset},
        overall=sweeps.OverallSweep(
            spreads=sweeps.overall_spreads({"rays": dataset}),
            variance=sweeps.overall_variance({"rays": dataset}),
        ),
        predictions_sha256=cells_sha256(swept),
    )
    sweeps.write_prompts_sweep(root / "made", sweep)


def _keys(root: Path) -> None:
    """Write a key, and sign a benchmark with it."""
    if find_spec("cryptography") is None:
        return
    from medimeta_c.format.signing.benchmark import new_key, sign

    new_key(root / "keys/own.key")
    sign(root / "benchmark", root / "keys/own.key")


def _write_kept_features(
    path: Path, ids: tuple[str, ...], labels: NDArray[np.int64], vectors: NDArray[np.float32]
) -> None:
    """Write what `medimeta_c.probing.featurefile` does, without PyTorch, which that room imports."""
    state = hashlib.sha256(json.dumps([vectors.shape, ids]).encode())
    state.update(labels.astype("<i8").tobytes() + vectors.astype("<f4").tobytes())
    notes = {"encoder": "ab", "images": "cd", "digest": state.hexdigest()}
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = pa.table({"image_id": pa.array(ids), "label": pa.array(labels), "feature": lists})
    pq.write_table(table.replace_schema_metadata({"medimeta-c features": json.dumps(notes)}), path)


def _sources(root: Path) -> None:
    from source_writers import write_images, write_medimeta, write_npz
    from written import dicom_file

    from medimeta_c.format.png import encode

    folder = write_medimeta(root / "medimeta", tiffs=False)
    names = [f"images/{row:06d}.tiff" for row in range(60)]
    (folder / "annotations.csv").write_text(
        "filepath,patient_id\n" + "".join(f"{name},p{row // 2}\n" for row, name in enumerate(names))
    )
    (root / "npz").mkdir()
    write_npz(root / "npz/bloodmnist_28.npz")
    images = root / "images/rays"
    write_images(images, [f"{label}{index}.png" for label in "ab" for index in range(2)])
    (images / "metadata.csv").write_text(
        "file_name,label\n" + "".join(f"{a}{b}.png,{a}\n" for a in "ab" for b in range(2))
    )
    ids = root / "ids"
    ids.mkdir()
    (ids / "rays.csv").write_text(
        "split,image_id,file,frame,patient,group\ntest,000000,a/0.png,,,\ntest,000001,a/1.png,,p1,0\n"
    )
    draw = np.random.Generator(np.random.Philox(key=3))
    values = draw.integers(0, 256, (9, 11), dtype=np.uint8)
    pictures = root / "pictures"
    pictures.mkdir()
    for kind in ("png", "jpg", "tiff", "bmp", "gif", "webp"):
        Image.fromarray(np.stack([values] * 3, axis=2)).save(pictures / f"picture.{kind}")
    (pictures / "stored.png").write_bytes(encode(values))
    if find_spec("pydicom") is not None:
        dicom_file(pictures / "picture.dcm", values[..., None], 8)


def _models(root: Path) -> None:
    folder = root / "weights"
    folder.mkdir()
    header = json.dumps(
        {
            "head.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
            "head.bias": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]},
        }
    ).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(32))
    (folder / "classes.yaml").write_text(yaml.safe_dump(["round cell", "long cell"]))


def _texts(root: Path) -> None:
    folder = root / "texts"
    folder.mkdir()
    prompts = {
        **{"version": 1, "name": "mine", "revision": 1, "description": "Mine.", "extends": "paper"},
        "templates": ["a {modality} photo of {class}"],
        "datasets": {"rays": {"modality": "x-ray", "classes": {"class0": "clear", "class1": "dense"}}},
    }
    (folder / "prompts.yaml").write_text(yaml.safe_dump(prompts, sort_keys=False))
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


def _readers(root: Path) -> None:
    from simulated import answers, study

    made = study(1, catch=1)
    folder = root / "study"
    folder.mkdir()
    (folder / "mine.study.json").write_text(made.model_dump_json())
    said = answers(made, {"read": 3.0, "compare": 2.0}, 1)
    (folder / "answers.json").write_text(said.model_dump_json())
