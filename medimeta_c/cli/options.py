"""Option types that several commands share, and functions that convert their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from medimeta_c.cli.completion import COMPLETED, listed
from medimeta_c.errors import ConfigError
from medimeta_c.format.suite import CLINICAL

__all__ = [
    "ALL",
    "AVAILABLE",
    "NONE",
    "TEST",
    "ActivationOption",
    "BaselineOption",
    "BatchSizeOption",
    "BenchmarkArgument",
    "BenchmarkOption",
    "DataOption",
    "DatasetOption",
    "DeviceOption",
    "FolderArgument",
    "IdsOption",
    "JobsOption",
    "JsonOption",
    "OfBenchmarkOption",
    "PrecisionOption",
    "PreprocessingOption",
    "ProfileOption",
    "PromptsOption",
    "ResultsOption",
    "ResultsOrUrlOption",
    "ScoredBenchmarkOption",
    "SourceOption",
    "SuiteOption",
    "TaskOption",
    "WorkersOption",
    "benchmark_of",
    "data_dir",
    "number",
    "several",
    "severities",
]

Number = TypeVar("Number", int, float)

# Defaults of options that take several values; these lists are never modified.
ALL, AVAILABLE, NONE, TEST = ["all"], ["available"], list[str](), ["test"]


def _split(ctx: typer.Context, param: typer.CallbackParam, value: list[str] | None) -> list[str]:
    """Return the values of a list option: comma-separated, in a repeated option, or both."""
    parts = [part.strip() for text in value or () for part in text.split(",")]
    if not all(parts):
        ctx.fail(f"{param.opts[0]} {', '.join(value or ())!r} has an empty part: remove the extra comma")
    return parts


def several(help: str, *names: str, metavar: str = "NAMES", completed: str | None = None, **more: Any) -> Any:
    """Return an option of type ``list[str]``: values are comma-separated, or the option is repeated.

    `completed` is a key of `medimeta_c.cli.completion.COMPLETED`.
    """
    complete = None if completed is None else listed(COMPLETED[completed])
    return typer.Option(*names, help=help, metavar=metavar, callback=_split, autocompletion=complete, **more)


DatasetOption = Annotated[
    list[str],
    several(
        "Dataset ids, comma-separated; [b]all[/b]: the benchmark's five, all required; "
        "[b]medimeta[/b]: all of MedIMeta's that can be built, all required; "
        "[b]available[/b]: those found in the data folder.",
        "--dataset",
        completed="dataset",
    ),
]
OfBenchmarkOption = Annotated[
    list[str],
    several("Datasets of the benchmark, comma-separated, or [b]all[/b].", "--dataset", completed="dataset"),
]
BenchmarkArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BENCHMARK",
        help="Directory or URL of a built benchmark, or ORG/NAME on the Hub; or use --benchmark.",
        show_default=False,
    ),
]
FolderArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BENCHMARK",
        help="Directory of a built benchmark; or use --benchmark.",
        show_default=False,
    ),
]
BenchmarkOption = Annotated[
    str | None, typer.Option("--benchmark", help="Same as the argument BENCHMARK.", show_default=False)
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="MEDIMETA_DATA",
        help="Folder of the clean datasets; default: the user data directory of the platform.",
        show_default=False,
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        help="medimeta, medmnist, imagefolder or phantoms; default: follows from the dataset id.",
        show_default=False,
        autocompletion=COMPLETED["source"],
    ),
]
SuiteOption = Annotated[
    str,
    typer.Option(
        help="Suite of corruptions: core, clinical or imagenet_c, or a registered one of another package.",
        autocompletion=COMPLETED["suite"],
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        help=f"What images of your own show, for the suite clinical: {', '.join(CLINICAL.profiles)}.",
        autocompletion=COMPLETED["profile"],
        show_default=False,
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(help="Task whose labels are used, for datasets with several tasks.", show_default=False),
]
ScoredBenchmarkOption = Annotated[
    str | None,
    typer.Option(
        "--benchmark", help="Same as the argument BENCHMARK; default: MediMeta-C.", show_default=False
    ),
]
BaselineOption = Annotated[
    str, typer.Option(help="Denominator of CE: [b]published[/b], [b]none[/b], or a result.")
]
PromptsOption = Annotated[
    str,
    typer.Option(
        help="[b]paper[/b], [b]reference[/b], [b]reference-order[/b], [b]ensemble[/b], or a YAML file."
    ),
]
ResultsOption = Annotated[Path, typer.Option("--out", help="Folder of all results.")]
ResultsOrUrlOption = Annotated[
    str,
    typer.Option("--out", help="Folder of all results, or its URL in an object store (s3://, az://, gs://)."),
]
IdsOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the id key, for builds with known patients; default: BENCHMARK.ids.",
        show_default=False,
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
PrecisionOption = Annotated[str, typer.Option(help="fp32, bf16 or fp16.")]
ActivationOption = Annotated[
    str | None,
    typer.Option(
        help="[b]quickgelu[/b] or [b]gelu[/b], for ARCH/PATH checkpoints that do not state it.",
        show_default=False,
    ),
]
PreprocessingOption = Annotated[
    str | None,
    typer.Option(
        help="Replaces the model's own preprocessing: [b]big-vision[/b], for SigLIP models.",
        show_default=False,
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(help="Images per batch; default: 256 on CUDA, 64 elsewhere.", show_default=False),
]
WorkersOption = Annotated[
    int, typer.Option(help="Threads or processes that decode images; -1: as many as the device needs.")
]
JobsOption = Annotated[
    int, typer.Option("--jobs", help="Processes; -1: one per core, or one for little work.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def severities(parts: Iterable[str]) -> tuple[int, ...] | None:
    """Convert the values of --severity, such as ``1`` and ``3``, to numbers; None for ``all``.

    Raises
    ------
    ConfigError
        If a part is not a number from 0 to 5.
    """
    given = list(parts)
    if given == ["all"]:
        return None
    wrong = [part for part in given if part not in {"0", "1", "2", "3", "4", "5"}]
    if wrong:
        raise ConfigError(f"unknown severity {', '.join(wrong)!r}: use 1 to 5, comma-separated, or all")
    return tuple(sorted({int(part) for part in given}))


def number(text: str, kind: Callable[[str], Number], option: str) -> Number:
    """Convert a part of a list option to a number; `kind` is int or float.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    try:
        return kind(text)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is not a number: give numbers, comma-separated") from None


def benchmark_of(argument: str | None, option: str | None, default: str | None = None) -> str:
    """Return the benchmark that is given as an argument or with --benchmark, or the default.

    Raises
    ------
    ConfigError
        If both are given, or if neither is given and there is no default.
    """
    if argument is not None and option is not None:
        raise ConfigError("the benchmark is given as an argument and with --benchmark: give it once")
    found = argument or option or default
    if found is None:
        raise ConfigError("no benchmark is given: give its directory as an argument or with --benchmark")
    return str(Path(found).expanduser()) if found.startswith("~") else found


def data_dir(option: Path | None) -> Path:
    """Return the folder of clean data: the value of --data, or the default."""
    from medimeta_c.sources import default_data_dir

    return (option or default_data_dir()).expanduser()
