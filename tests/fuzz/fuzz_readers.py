"""The table of readers of outside files: which file, in what container, read by what.

A new reader is one entry of `READERS`; its file is a seed of `fuzz_corpus`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medimeta_c.format.manifest.records import Manifest
    from medimeta_c.results.identity import BenchmarkRecord


@dataclass(frozen=True, kw_only=True)
class FuzzedReader:
    """A reader of files that others may have written.

    Attributes
    ----------
    name : str
        Of the reader.
    container : str
        A key of `fuzz_mutators.MUTATORS`.
    file : str
        The file that is changed, below the corpus.
    read : callable
        Reads it; takes the corpus's folder.
    code : tuple of str
        Modules, or ``module:function``, whose lines it must reach.
    models : bool
        Whether it needs PyTorch.
    """

    name: str
    container: str
    file: str
    read: Callable[[Path], object]
    code: tuple[str, ...]
    models: bool = False


def _of_models(name: str) -> Callable[[Path], object]:
    def read(root: Path) -> object:
        import fuzz_models

        return getattr(fuzz_models, name)(root)

    return read


def _shard(root: Path) -> None:
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.format.keys import SetKey

    for _ in open_benchmark(root / "benchmark").batches(SetKey("rays", "test", "clean", 0)):
        pass


def _manifest(root: Path) -> None:
    from medimeta_c.format.benchmark import open_benchmark

    open_benchmark(root / "benchmark")


@cache
def _built(root: Path) -> Manifest:
    """Return a manifest that is not changed: beside it, a reader of another file is a small part."""
    from medimeta_c.format.manifest.file import read_manifest

    return read_manifest(root / "benchmark/manifest.json")


def _sealed_manifest(root: Path) -> None:
    """As who changed a manifest and its own digest."""
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.format.manifest.digests import self_digest

    path = root / "benchmark/manifest.json"
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        values = json.loads(path.read_bytes())
        path.write_text(json.dumps({**values, "manifest_sha256": self_digest(values)}))
    open_benchmark(root / "benchmark")


def _baseline(root: Path) -> None:
    from medimeta_c.results.baseline_choice import choose_baseline

    choose_baseline(str(root / _RESULT), _scored_on(root))


@cache
def _scored_on(root: Path) -> BenchmarkRecord:
    """Return the benchmark of a result that is not changed."""
    from medimeta_c.results.result import read_result

    return read_result(root / _BOARD).run.benchmark


def _prompts_sweep(root: Path) -> None:
    from medimeta_c.results.paraphrases.record import read_swept

    read_swept(root / "made")


class _Answering:
    """A server that answers with a file."""

    base = "https://zenodo.org"

    def __init__(self, body: bytes) -> None:
        self._body = body

    def persist(self, attempt: Callable[[], Any]) -> Any:
        return attempt()

    def answer(self, url: str, headers: dict[str, str]) -> Any:
        del url, headers
        return contextlib.nullcontext(SimpleNamespace(iter_raw=lambda: iter([self._body])))


def _zenodo(root: Path) -> None:
    from medimeta_c.download.zenodo import read_record
    from medimeta_c.errors import DownloadError

    body = (root / "texts/zenodo.json").read_bytes()
    if not body:  # which is asked again
        raise DownloadError("nothing was answered")
    read_record(_Answering(body), "1").file("oct.zip")  # type: ignore[arg-type]


def _notes(root: Path) -> None:
    from medimeta_c.sources.imagefolder import open_imagefolder

    open_imagefolder("rays", root / "images")


def _signature(root: Path) -> None:
    from medimeta_c.format.signing.benchmark import check_signature

    check_signature(root / "benchmark", root / "keys/own.pub")


def _secret_key(root: Path) -> None:
    from medimeta_c.format.signing.keys import SecretKey

    SecretKey.read(root / "keys/own.key")


def _spectra(root: Path) -> None:
    from medimeta_c.format.stats import holds_spectra

    holds_spectra(root / "benchmark", _built(root).sets)


def _groups(root: Path) -> None:
    from medimeta_c.format.manifest.records import FileRecord
    from medimeta_c.format.stats import GROUPS_PATH, read_groups
    from medimeta_c.io.files import sha256_file

    path = root / "grouped" / GROUPS_PATH
    record = FileRecord.model_validate_json((root / "grouped/record.json").read_text())
    # As who changed the manifest too.
    changed = record.model_copy(update={"sha256": sha256_file(path), "bytes": path.stat().st_size})
    read_groups(path, changed, "test")


def _png(root: Path) -> None:
    from medimeta_c.format.png import decode

    decode((root / "pictures/stored.png").read_bytes())


def _plain_png(root: Path) -> None:
    import numpy as np

    from medimeta_c.format.png import _opencv_pixels
    from medimeta_c.format.png.reading import plain_pixels

    data = (root / "pictures/stored.png").read_bytes()
    found = plain_pixels(data)
    if found is None:
        _opencv_pixels(data)  # raises of what neither reads
    else:
        assert np.array_equal(found, _opencv_pixels(data))


def _card(root: Path) -> None:
    from medimeta_c.card.card_check import check_card

    check_card(root / "benchmark", _built(root))


def _eval_yaml(root: Path) -> None:
    from medimeta_c.card.card_check import card_problems

    list(card_problems(root / "benchmark", _built(root)))


def _journal(root: Path) -> None:
    from medimeta_c.building.state.journal import Journal

    Journal(root / "half-built").finished_sets()


def _answers_of_readers(root: Path) -> None:
    from medimeta_c.readers.answers import read_answers
    from medimeta_c.readers.study import read_study

    read_answers([root / "study/answers.json"], read_study(root / "study/mine.study.json"))


def _prompts_sweep_texts(root: Path) -> None:
    from medimeta_c.prompts.paraphrases import load_paraphrases
    from medimeta_c.prompts.templates import load_prompts

    load_paraphrases(root / "texts/prompts.yaml", load_prompts("paper"))


def _sweep(root: Path) -> None:
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.sweep import configs_of

    configs_of(root / "texts/sweep.yaml", lambda **given: EvaluateConfig(**{"benchmark": "x", **given}))


def _submission(root: Path) -> None:
    from medimeta_c.leaderboard.submission import read_submission

    read_submission(root / f"{_BOARD}/submission.yaml")


def _inspected(root: Path) -> None:
    from medimeta_c.leaderboard.inspection import check_predictions_file, check_result
    from medimeta_c.results.result import read_result

    result = read_result(root / _BOARD)
    check_result(result)
    check_predictions_file(root / f"{_BOARD}/predictions.parquet", result)


def _medimeta(root: Path) -> None:
    from medimeta_c.sources.medimeta import open_medimeta

    source = open_medimeta("toy", root / "medimeta")
    for split in source.info.splits:
        for image_id in source.ids(split)[:2]:
            source.image(split, image_id)
            source.label(split, image_id)


def _medmnist(root: Path) -> None:
    from medimeta_c.sources.medmnist import open_medmnist

    source = open_medmnist("bloodmnist", root / "npz")
    for split in source.info.splits:
        source.image(split, source.ids(split)[0])


def _npz_rows(root: Path) -> None:
    from medimeta_c.sources.npz import npz_headers, npz_rows

    path = root / "npz/bloodmnist_28.npz"
    for name in npz_headers(path):
        sum(1 for _ in npz_rows(path, name))


def _imagefolder(root: Path) -> None:
    from medimeta_c.sources.imagefolder import open_imagefolder

    source = open_imagefolder("rays", root / "images")
    for split in source.info.splits:
        for image_id in source.ids(split):
            source.image(split, image_id)


def _zip(root: Path) -> None:
    from medimeta_c.download.extract import extract_zip

    shutil.rmtree(root / "extracted", ignore_errors=True)
    extract_zip(root / "texts/oct.zip", root / "extracted", top="oct", required="info.yaml")


def _feature_set(root: Path) -> None:
    from medimeta_c.probing.featurefile import Origin, read_feature_set

    read_feature_set(root / "made/kept.parquet", Origin(encoder="ab", images="cd"))


def _call(module: str, function: str, file: str, *more: Any) -> Callable[[Path], object]:
    def read(root: Path) -> object:
        from importlib import import_module

        return getattr(import_module(f"medimeta_c.{module}"), function)(root / file, *more)

    return read


def _plain(
    name: str,
    container: str,
    file: str,
    module: str,
    function: str,
    *more: Any,
    at: str = "",
    models: bool = False,
) -> FuzzedReader:
    read = _call(module, function, at or file, *more)
    code = (f"medimeta_c.{module}:{function}",)
    return FuzzedReader(name=name, container=container, file=file, read=read, code=code, models=models)


def _reader(
    name: str,
    container: str,
    file: str,
    read: Callable[[Path], object],
    *code: str,
    models: bool = False,
) -> FuzzedReader:
    places = tuple(f"medimeta_c.{one}" for one in code)
    return FuzzedReader(name=name, container=container, file=file, read=read, code=places, models=models)


_RESULT = "results/python-golden-model-model/1e5f2fae82ff"
_BOARD = "leaderboard/results/example-laboratory/exact-model/1e5f2fae82ff"
_SHARD = "benchmark/data/rays/test/clean/severity-0-00000-of-00001.parquet"
_HALF = "half-built/.medimeta-c"

READERS = {
    reader.name: reader
    for reader in (
        _reader(
            "manifest",
            "json",
            "benchmark/manifest.json",
            _manifest,
            "format.manifest.file:read_manifest",
            "io.reading",
        ),
        _reader(
            "sealed-manifest",
            "json",
            "benchmark/manifest.json",
            _sealed_manifest,
            "format.manifest.file:read_manifest",
            "format.benchmark:open_benchmark",
        ),
        _reader("shard", "parquet", _SHARD, _shard, "format.shards:read_tables", "format.shards:_opened"),
        _reader(
            "spectra", "parquet", "benchmark/stats/spectrum.parquet", _spectra, "format.stats:holds_spectra"
        ),
        _reader("groups", "parquet", "grouped/stats/groups.parquet", _groups, "format.stats:read_groups"),
        _reader("stored-png", "png", "pictures/stored.png", _png, "format.png:_opencv_pixels"),
        _reader("plain-png", "png", "pictures/stored.png", _plain_png, "format.png.reading"),
        _reader(
            "card",
            "yaml",
            "benchmark/README.md",
            _card,
            "card.card_check:check_card",
            "card.card_check:_card",
            "card.card_check:_header",
            "card.card_check:_problem",
            "card.card_check:_left_out",
            "card.card_check:_difference",
        ),
        _reader("eval-yaml", "yaml", "benchmark/eval.yaml", _eval_yaml, "card.card_check:card_problems"),
        _reader(
            "journal", "json", f"{_HALF}/build.json", _journal, "building.state.journal:Journal._read_state"
        ),
        _reader(
            "set-record",
            "json",
            f"{_HALF}/sets/cells-test-clean-0.json",
            _journal,
            "building.state.journal:_read_record",
        ),
        _plain("result", "json", f"{_RESULT}/result.json", "results.result", "read_result"),
        _plain(
            "predictions",
            "parquet",
            f"{_RESULT}/predictions.parquet",
            "results.predictions",
            "read_predictions",
        ),
        _plain(
            "saved-result", "json", f"{_RESULT}/result.json", "results.folder.saved", "read_saved", at=_RESULT
        ),
        _plain("answers", "parquet", "made/answers.parquet", "results.words.answers", "read_answers"),
        _plain(
            "swept-cells",
            "parquet",
            "made/prompts-sweep.parquet",
            "results.paraphrases.cells",
            "read_swept_cells",
        ),
        _plain("features", "parquet", "made/features.parquet", "results.featurefile", "read_features"),
        _reader(
            "kept-features",
            "parquet",
            "made/kept.parquet",
            _feature_set,
            "probing.featurefile:read_feature_set",
            models=True,
        ),
        _plain("ablation", "json", "formats/adapter/ablation.json", "results.ablation", "read_ablation"),
        _plain("given-csv", "csv", "made/given.csv", "scoring.givenfile", "read_given", "test"),
        _plain("given-parquet", "parquet", "made/given.parquet", "scoring.givenfile", "read_given", "test"),
        _reader(
            "submission",
            "yaml",
            f"{_BOARD}/submission.yaml",
            _submission,
            "leaderboard.submission:read_submission",
        ),
        _plain("accepted", "yaml", "leaderboard/accepted.yaml", "leaderboard.accepted", "read_accepted"),
        _reader(
            "board-predictions",
            "parquet",
            f"{_BOARD}/predictions.parquet",
            _inspected,
            "leaderboard.inspection:check_predictions_file",
        ),
        _reader(
            "board-result", "json", f"{_BOARD}/result.json", _inspected, "leaderboard.inspection:check_result"
        ),
        _plain("prompts", "yaml", "texts/prompts.yaml", "prompts.files", "read_prompt_file"),
        _reader(
            "paraphrases",
            "yaml",
            "texts/prompts.yaml",
            _prompts_sweep_texts,
            "prompts.paraphrases:load_paraphrases",
        ),
        FuzzedReader(
            name="sweep",
            container="yaml",
            file="texts/sweep.yaml",
            read=_sweep,
            code=("medimeta_c.scoring.sweep:configs_of",),
            models=True,
        ),
        _plain(
            "adapter-record",
            "json",
            "adapter/adapter.json",
            "lora.adapterfile",
            "read_adapter",
            at="adapter",
            models=True,
        ),
        _plain(
            "adapter",
            "safetensors",
            "adapter/adapter.safetensors",
            "lora.adapterfile",
            "read_adapter",
            at="adapter",
            models=True,
        ),
        _plain(
            "few-shot",
            "json",
            "adapter/fewshot_ids.json",
            "finetuning.fewshot",
            "read_few_shot",
            at="adapter",
        ),
        _plain(
            "checkpoint",
            "safetensors",
            "weights/model.safetensors",
            "models.weights",
            "read_checkpoint",
            models=True,
        ),
        _plain("head-classes", "yaml", "weights/classes.yaml", "models.heads", "_read", models=True),
        _plain("medimeta-info", "yaml", "medimeta/toy/info.yaml", "sources.medimeta_info", "read_info"),
        _reader(
            "medimeta-images",
            "hdf5",
            "medimeta/toy/images.hdf5",
            _medimeta,
            "sources.medimeta:open_medimeta",
            "sources.medimeta_images:Hdf5Images",
        ),
        _reader(
            "medimeta-labels",
            "npy",
            "medimeta/toy/task_labels/grade.npy",
            _medimeta,
            "sources.medimeta:_read_labels",
        ),
        _reader(
            "medimeta-splits",
            "txt",
            "medimeta/toy/splits/train.txt",
            _medimeta,
            "sources.medimeta:_read_split",
        ),
        _reader(
            "annotations",
            "csv",
            "medimeta/toy/annotations.csv",
            _medimeta,
            "sources.patients:annotated_patients",
        ),
        _reader("medmnist", "zip", "npz/bloodmnist_28.npz", _medmnist, "sources.medmnist:open_medmnist"),
        _reader(
            "npz-rows",
            "zip",
            "npz/bloodmnist_28.npz",
            _npz_rows,
            "sources.npz:npz_rows",
            "sources.npz:npz_headers",
        ),
        _reader(
            "image-table", "csv", "images/rays/metadata.csv", _imagefolder, "sources.folders.table:listed_in"
        ),
        _plain("ids", "csv", "ids/rays.csv", "sources.folders.ids", "read_ids", "rays", at="ids"),
        *(
            _plain(
                f"picture-{kind}",
                "png" if kind == "png" else "dicom" if kind == "dcm" else "bytes",
                f"pictures/picture.{kind}",
                "sources.pictures.reading",
                "read_image",
            )
            for kind in ("png", "jpg", "tiff", "bmp", "gif", "webp", "dcm")
        ),
        _reader("archive", "zip", "texts/oct.zip", _zip, "download.extract:extract_zip"),
        _reader("zenodo", "json", "texts/zenodo.json", _zenodo, "download.zenodo"),
        _reader("notes", "yaml", "images/rays/info.yaml", _notes, "sources.imagefolder:open_imagefolder"),
        _reader(
            "signature",
            "txt",
            "benchmark/manifest.json.minisig",
            _signature,
            "format.signing.benchmark:check_signature",
            "format.signing.signatures",
        ),
        _reader("public-key", "txt", "keys/own.pub", _signature, "format.signing.keys:PublicKey.of_line"),
        _reader(
            "secret-key",
            "txt",
            "keys/own.key",
            _secret_key,
            "format.signing.keys:_secret_fields",
            "format.signing.keys:decoded",
            "format.signing.keys:read_lines",
        ),
        _plain("probes", "json", "made/probes.json", "results.probes", "read_probes"),
        _reader(
            "prompts-sweep",
            "json",
            "made/prompts-sweep.json",
            _prompts_sweep,
            "results.paraphrases.record:read_swept",
            "results.paraphrases.record:PromptsSweep._parts_fit_together",
        ),
        _reader(
            "baseline",
            "json",
            f"{_RESULT}/result.json",
            _baseline,
            "results.baseline_choice:baseline_of",
            "results.folder.saved:read_saved",
        ),
        _reader(
            "training-checkpoint",
            "safetensors",
            "checkpoints/run/.finetune/checkpoint.safetensors",
            _of_models("read_training"),
            "finetuning.state:read_state",
            "finetuning.state:_refuse_other",
            models=True,
        ),
        _plain(
            "torch-checkpoint",
            "zip",
            "checkpoints/model.pth",
            "models.weights",
            "read_checkpoint",
            models=True,
        ),
        _plain(
            "legacy-checkpoint",
            "bytes",
            "checkpoints/legacy.pth",
            "models.weights",
            "read_checkpoint",
            models=True,
        ),
        _reader(
            "published-adapters",
            "safetensors",
            "published-adapters/lora_weights.safetensors",
            _of_models("read_adapters"),
            "lora.published:_fold_factors",
            "lora.published:_fold_query_and_value",
            models=True,
        ),
        _reader(
            "open-clip-config",
            "json",
            "open_clip/open_clip_config.json",
            _of_models("read_open_clip"),
            "models.families.open_clip_build:build_transform",
            models=True,
        ),
        _reader(
            "transformers-config",
            "json",
            "transformers/config.json",
            _of_models("read_transformers"),
            "models.families.transformers_clip:configuration_of",
            "models.families.transformers_clip:refuse_remote",
            "models.families.transformers_clip:_build",
            models=True,
        ),
        _reader(
            "image-processor",
            "json",
            "transformers/preprocessor_config.json",
            _of_models("read_processor"),
            "models.families.transformers_clip:processor_of",
            "models.families.transformers_clip:_describe",
            models=True,
        ),
        _reader(
            "tokenizer-settings",
            "json",
            "transformers/tokenizer_config.json",
            _of_models("read_tokens"),
            "models.tokenizers:read_tokenizer",
            models=True,
        ),
        _reader(
            "tokenizer",
            "json",
            "transformers/tokenizer.json",
            _of_models("read_tokens"),
            "models.tokenizers:read_tokenizer",
            models=True,
        ),
        _plain("pins", "json", "texts/download.lock.json", "download.pins", "read_pins", at="texts"),
        _plain("study", "json", "study/mine.study.json", "readers.study", "read_study"),
        _reader(
            "reader-answers",
            "json",
            "study/answers.json",
            _answers_of_readers,
            "readers.answers:read_answers",
        ),
    )
}
