"""Write tests/golden/formats/: what this version writes to disk, byte for byte where libraries allow it.

Run it when a format was changed on purpose, and give the reason in the pull request. Never run it to make a
failing test pass. What depends on the machine or on the version of a library is blanked: versions, digests
and sizes of compressed files. Numbers are rounded to 12 significant digits.

    python scripts/golden_files.py                        every part
    python scripts/golden_files.py results leaderboard    some parts
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
for helpers in (REPO / "tests" / "lora", REPO / "tests"):
    if str(helpers) not in sys.path:
        sys.path.append(str(helpers))

from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.io.files import write_atomic  # noqa: E402

FORMATS = REPO / "tests" / "golden" / "formats"
SAMPLE = Path(os.environ.get("MEDIMETA_SAMPLE", REPO.parent / "shared" / "medimeta-sample"))
BLANK = "(blank)"
DIGITS = 12

Files = dict[str, bytes]
"""Contents by path below ``tests/golden/formats``."""

_VERSIONS = {"package_version", "encoder", "manifest_sha256", "numpy", "device"}
_TABLES_OF_VERSIONS = {"libraries", "packages", "versions", "facts"}
_COMPRESSED = {"bytes", "sha256"}


def blanked(values: Any) -> Any:
    """Return JSON values without what depends on machine and libraries, numbers rounded."""
    if isinstance(values, dict):
        compressed = _COMPRESSED if values.keys() >= {"path", *_COMPRESSED} else set()
        return {
            key: BLANK
            if key in _VERSIONS | compressed
            else {BLANK: BLANK}
            if key in _TABLES_OF_VERSIONS
            else blanked(value)
            for key, value in values.items()
        }
    if isinstance(values, list):
        return [blanked(value) for value in values]
    return rounded(values) if isinstance(values, float) else values


def rounded(number: float) -> float:
    """Return a number to 12 significant digits."""
    return float(f"{number:.{DIGITS}g}")


def blanked_json(path: Path) -> bytes:
    """Return a JSON file of the package with what varies blanked, in the layout in which it was written.

    Raises
    ------
    ValueError
        If the file is not laid out as every JSON file of the package is: blanking would hide the change.
    """
    text = path.read_text(encoding="utf-8")
    values = json.loads(text)
    if laid_out(values) != text:
        raise ValueError(f"{path} is not laid out with an indent of 1, and no other space")
    return laid_out(blanked(values)).encode()


def laid_out(values: Any) -> str:
    """Return JSON as the package lays it out."""
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, so that no path of this machine gets into a file."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def phantoms_manifest(work: Path, phantoms: Path) -> Files:
    """Build all five datasets of phantoms, all seven corruptions at severities 1 and 5: the manifest, the tasks.

    The checksums of the sources are blanked too: an HDF5 library wrote those files.
    """
    out = work / "MediMeta-C"
    config = BuildConfig(
        datasets=("all",), source="phantoms", data_dir=phantoms, out=out, severities=(1, 5), jobs=2
    )
    build(config)
    values = json.loads(blanked_json(out / "manifest.json"))
    for dataset in values["datasets"]:
        dataset["checksum"] = BLANK
    return {
        "manifests/phantoms.json": laid_out(values).encode(),
        "manifests/phantoms-eval.yaml": (out / "eval.yaml").read_bytes(),
    }


def sample_manifest(work: Path, phantoms: Path) -> Files:
    """Build the real images in MedIMeta's format, all seven corruptions at severities 2 and 4: the manifest.

    The images are not part of the repository: ``$MEDIMETA_SAMPLE`` says where they are.
    """
    out = work / "MediMeta-C"
    datasets = ("fundus", "oct", "pbc", "pneumonia")
    build(BuildConfig(datasets=datasets, data_dir=SAMPLE, out=out, severities=(2, 4), jobs=2))
    return {"manifests/sample.json": blanked_json(out / "manifest.json")}


def evaluated(
    work: Path, phantoms: Path, model: str, *, baseline: str = "none", severities: tuple[int, ...] = (1, 3)
) -> Path:
    """Return the folder of an exact model's result on two datasets of phantoms, made with the public API."""
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.evaluation import evaluate

    with inside(work):
        out = Path("tiny")
        build(
            BuildConfig(
                datasets=("pbc", "oct"),
                source="phantoms",
                data_dir=phantoms,
                out=out,
                corruptions=("gaussian_noise", "pixelate"),
                severities=severities,
                jobs=1,
            )
        )
        config = EvaluateConfig(
            model=f"python:golden_model:{model}", benchmark=str(out), baseline=baseline, device="cpu"
        )
        return work / evaluate(config).path


def predictions_csv(path: Path) -> bytes:
    """Return predictions as a table that a reader of a diff understands; probabilities are exact."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(f"{field.name}: {field.type}" for field in table.schema)
    for row in table.to_pylist():
        *plain, probabilities = row.values()
        rows.writerow([*plain, " ".join(f"{each:.9g}" for each in probabilities)])
    return text.getvalue().encode()


def results(work: Path, phantoms: Path) -> Files:
    """Score a model without baseline, and another one that divides by it, image by image."""
    plain = evaluated(work, phantoms, "model")
    paired = evaluated(work, phantoms, "other", baseline=str(plain.relative_to(work)))
    return {
        "results/plain/result.json": blanked_json(plain / "result.json"),
        "results/plain/predictions.csv": predictions_csv(plain / "predictions.parquet"),
        "results/plain/predictions.parquet": (plain / "predictions.parquet").read_bytes(),
        "results/paired/result.json": blanked_json(paired / "result.json"),
    }


SUBMISSION = {
    "name": "Exact model",
    "organisation": "Example Laboratory",
    "contact": "someone@example.org",
    "backbone": "none",
    "adaptation": "base",
    "kind": "general",
    "description": "nothing at all",
    "overlap": "none",
    "statement": "Nothing was trained, so that nothing can overlap.",
    "code": "https://example.org/code",
}


def submitted(tree: Path, result: Path, **changes: str) -> Path:
    """Return the folder of a submission, put where it belongs in a board's tree."""
    import shutil

    from medimeta_c.leaderboard.submission import described, submission_path, write_submission
    from medimeta_c.results.result import read_result

    submission = described({**SUBMISSION, **changes}, declared=True)
    folder = tree / submission_path(submission, read_result(result).run)
    folder.mkdir(parents=True)
    for name in ("result.json", "predictions.parquet"):
        shutil.copy(result / name, folder)
    write_submission(folder / "submission.yaml", submission)
    return folder


def board_data(site: Path) -> Any:
    """Return the numbers of the measured entries that a site offers as a file, in full."""
    held = json.loads((site / "downloads/board.json").read_text("utf-8"))
    for board in held["boards"]:
        board["entries"] = [entry for entry in board["entries"] if entry["source"] != "paper"]
    return held


def leaderboard(work: Path, phantoms: Path) -> Files:
    """Submit two models scored against the published figures; say what the board accepts; build its site."""
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.leaderboard import SiteConfig, accept, build_site, write_accepted

    first, second = (
        evaluated(work, phantoms, model, baseline="published", severities=(1, 2, 3, 4, 5))
        for model in ("model", "other")
    )
    tree = work / "board"
    folder = submitted(tree, first)
    submitted(tree, second, name="Other exact model")
    write_accepted(tree / "accepted.yaml", accept(open_benchmark(str(work / "tiny"))))
    build_site(SiteConfig(results=tree, out=work / "pages"))
    place = f"leaderboard/{folder.relative_to(tree).as_posix()}"
    return {
        "leaderboard/accepted.yaml": (tree / "accepted.yaml").read_bytes(),
        "leaderboard/board.json": laid_out(blanked(board_data(work / "pages"))).encode(),
        f"{place}/submission.yaml": (folder / "submission.yaml").read_bytes(),
        f"{place}/result.json": blanked_json(folder / "result.json"),
        f"{place}/predictions.parquet": (folder / "predictions.parquet").read_bytes(),
    }


def adapter(work: Path, phantoms: Path) -> Files:
    """Write an adapter whose weights are small whole numbers, its few-shot images, an ablation's record.

    Nothing is trained, because training gives other last digits on other machines.
    """
    import torch
    from lora_towers import build as build_tower

    from medimeta_c.finetuning.ablationtable import write_ablation
    from medimeta_c.finetuning.fewshot import draw_few_shot, write_few_shot
    from medimeta_c.lora import LoraConfig
    from medimeta_c.lora.adapterfile import write_adapter
    from medimeta_c.lora.adapters import attach
    from medimeta_c.lora.record import FewshotRecord, SelectionRecord, TrainingRecord
    from medimeta_c.prompts.record import PromptsRecord
    from medimeta_c.prompts.templates import load_prompts
    from medimeta_c.results.ablation import Ablation, AblationRun, Scored
    from medimeta_c.sources import open_source

    source = open_source("phantoms", "oct", phantoms)
    few_shot = draw_few_shot({"oct": source}, fraction=0.25, seed=3)
    asked = load_prompts("paper").prompts("oct", source.info.class_names, modality=source.info.modality)
    adapters = attach(
        build_tower("open_clip in_proj"), LoraConfig(rank=1, alpha=2.0, targets=("q", "v")), seed=5
    )
    adapters.load_state_dict(
        {
            name: (torch.arange(value.numel()) % 7 - 3).reshape(value.shape).float()
            for name, value in adapters.state_dict().items()
        }
    )
    training = TrainingRecord(
        fewshot=FewshotRecord(
            fraction=few_shot.fraction,
            seed=few_shot.seed,
            images={name: len(ids) for name, ids in few_shot.ids.items()},
            ids_sha256=few_shot.digest,
        ),
        datasets=("oct",),
        prompts=PromptsRecord.asked("paper", [asked]),
        augmented=False,
        selection=SelectionRecord(
            rule="the last whole epoch", split="val", metric="top-1 accuracy", value=0.75, epoch=2
        ),
        settings={"optimiser": "Adam", "epochs": 2, "lr": 0.125, "patience": None},
    )
    write_adapter(work, adapters, training)
    write_few_shot(work, few_shot)
    scored = Scored(
        clean_accuracy=0.75, average_accuracy=0.5, clean_error=1.25, mce=None, why_no_mce="no baseline"
    )
    runs = tuple(
        AblationRun(
            folder=f"fewshot-{fraction}/seed-{seed}",
            fraction=fraction,
            seed=seed,
            images=int(48 * fraction),
            trainable_parameters=256,
            total_parameters=4096,
            hours=0.5,
            val_accuracy=0.5 + 0.125 * seed,
            scored=scored,
        )
        for fraction in (0.25, 1.0)
        for seed in (0, 1)
    )
    write_ablation(
        work,
        Ablation(
            model="local-dir:tiny",
            datasets=("oct",),
            benchmark="MediMeta-C",
            baseline="none",
            base=scored,
            runs=runs,
        ),
    )
    texts = ("adapter.json", "fewshot_ids.json", "ablation.json")
    return {
        **{f"adapter/{name}": blanked_json(work / name) for name in texts},
        "adapter/adapter.safetensors": (work / "adapter.safetensors").read_bytes(),
        "adapter/ablation.md": (work / "ablation.md").read_bytes(),
    }


PARTS: dict[str, Callable[[Path, Path], Files]] = {
    "phantoms": phantoms_manifest,
    "sample": sample_manifest,
    "results": results,
    "leaderboard": leaderboard,
    "adapter": adapter,
}
"""What is written, by name. Each part takes an empty folder to work in, and one for the phantoms."""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for part in sys.argv[1:] or PARTS:
            if part == "sample" and not SAMPLE.is_dir():
                print(f"left out sample: it needs real images at {SAMPLE} (set MEDIMETA_SAMPLE)")
                continue
            work, phantoms = (Path(scratch).resolve() / name for name in (part, "phantoms"))
            work.mkdir()
            for name, content in PARTS[part](work, phantoms).items():
                write_atomic(FORMATS / name, content)
                print(f"wrote {FORMATS / name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
