"""Results: predictions, answers, features, tables of other programs, sweeps."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


def write_results(root: Path) -> None:
    """Write what an evaluation writes, and what other programs give."""
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
        folder / "features.parquet",
        Features(model="m", rows=rows, vectors=vectors, phantoms=("rays",), modalities={"rays": "x-ray"}),
    )
    (root / "grouped/stats").mkdir(parents=True)
    manifest = read_manifest(root / "benchmark/manifest.json")
    groups = {("rays", "test"): dict(zip(ids, (0, 0, 1), strict=True))}
    (record,) = write_groups(root / "grouped", manifest.sets, groups)
    (root / "grouped/record.json").write_text(record.model_dump_json())
    given = {
        "set": ["rays/test/contrast/severity-1"] * 2,
        "image_id": list(ids[:2]),
        "prediction": ["0", None],
        "probabilities": [[0.9, 0.1], [0.2, 0.8]],
        "label": [0, 1],
    }
    pq.write_table(pa.table(given), folder / "given.parquet")
    parts = {"dataset": ["rays"] * 2, "corruption": ["clean"] * 2, "severity": [0] * 2}
    named = {**parts, "image_id": list(ids[1::-1]), "prediction": ["long", "round"]}
    pq.write_table(pa.table(named), folder / "given-names.parquet")
    (folder / "given-names.csv").write_text(
        "set,image_id,prediction,label\n"
        "rays/test/clean/severity-0,000000,round,0\n"
        "rays/test/clean/severity-0,000001,long,1\n"
    )
    (folder / "given.csv").write_text(
        "dataset,corruption,severity,image_id,prediction,probabilities\n"
        'rays,contrast,1,000000,0,"[0.9, 0.1]"\n'
        'rays,contrast,1,000001,,"[0.2, 0.8]"\n'
    )


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


def write_sweeps(root: Path) -> None:
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
    probe = {"head": "knn", "title": "k-NN", "seed": 0, "folder": "m-knn/0", "scored": scored}
    probes = Probes(
        **{"model": "m", "benchmark": "b", "fingerprint": "0" * 64, "split": "test", "draw_from": "train"},
        baseline=None,
        overlap={"rays": Overlap(groups=3, shared=1, images=6, shared_images=2)},
        left_out={"tip": "no texts"},
        runs=tuple(ProbeRun(**probe, shots=shots, datasets={"rays": scored}) for shots in (1, None)),
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
    run = read_result(root / "results/python-golden-model-model/1e5f2fae82ff").run
    dataset = sweeps.DatasetSweep(
        origin=sweeps.origin_of(run, "rays", [one.digest for one in paraphrases]),
        paraphrases=paraphrases,
        spreads=sweeps.spreads_of([one.numbers for one in paraphrases]),
        variance={"clean_accuracy": VarianceSplit(images=0.1, prompts=0.2, n_prompts=2)},
    )
    sweep = sweeps.PromptsSweep(
        model=run.model,
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
