"""The commands that faults happen to: their inputs, arguments, and which file says that they finished.

A command runs in a folder that holds its inputs in ``in/<name>`` and receives its outputs in ``out``. A new
command that writes is one more entry of `COMMANDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

TESTS = Path(__file__).parents[1]
for folder in (TESTS, TESTS / "results", TESTS / "leaderboard"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

DATASET = "rays"
BOARD, PUSHED = "org/leaderboard", "org/MediMeta-C"


@dataclass(frozen=True, kw_only=True)
class FaultyCommand:
    """A command, made small.

    Attributes
    ----------
    arguments : tuple of str
        Its command line; paths are relative to the root.
    write : callable
        Writes its inputs into a folder.
    finished : str
        The file of the output that is written last, relative to the root; empty if none is.
    beside : tuple of str
        Files about the finished output, written after it, relative to the root.
    logs : tuple of str
        Names of files that grow, or change until the output is finished.
    hub : bool
        Whether it talks to the Hub.
    part : bool
        Whether it makes a part of a build, which is in a hidden folder.
    """

    name: str
    arguments: tuple[str, ...]
    write: Callable[[Path], None]
    finished: str = ""
    beside: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    hub: bool = False
    part: bool = False

    def prepare(self, root: Path) -> None:
        """Write the inputs below a root."""
        folder = root / "in" / self.name
        folder.mkdir(parents=True)
        self.write(folder)


def images(folder: Path, splits: tuple[str, ...] = ("test",), each: int = 3) -> None:
    """Write a grey image folder of two classes, so many images a class and split."""
    draw = np.random.Generator(np.random.Philox(key=5))
    for split in splits:
        for label in range(2):
            target = folder / DATASET / split / f"class{label}"
            target.mkdir(parents=True)
            for index in range(each):
                pixels = draw.integers(80 * label, 80 * label + 90, (28, 28), dtype=np.uint8)
                Image.fromarray(pixels).save(target / f"{index:03d}.png")


def benchmark(folder: Path, splits: tuple[str, ...] = ("test",)) -> Path:
    """Write images and the benchmark built from them, one corruption at one severity."""
    from medimeta_c.building.build import BuildConfig, build

    images(folder / "images", splits)
    config = BuildConfig(
        datasets=DATASET,
        source="imagefolder",
        data_dir=folder / "images",
        out=folder / "benchmark",
        corruptions="contrast",
        severities=1,
        jobs=1,
    )
    build(config)
    return config.out


def parts(folder: Path, *outs: str) -> None:
    """Write the three parts of a build of two sets, each of which is cut, into one directory or several."""
    from medimeta_c.building.build import BuildConfig, build

    images(folder / "images", each=51)
    for number in (1, 2, 3):
        config = BuildConfig(
            datasets=DATASET,
            source="imagefolder",
            data_dir=folder / "images",
            out=folder / outs[number % len(outs)],
            corruptions="contrast",
            severities=1,
            jobs=1,
            part=f"{number}/3",
        )
        build(config)


def model(folder: Path) -> None:
    """Write images, a benchmark and a tiny model of random weights."""
    from model_factories import make_open_clip_folder

    benchmark(folder, ("train", "val", "test"))
    make_open_clip_folder(folder / "model", image_size=28)


def medimetac(folder: Path) -> None:
    """Write MediMeta-C as published: one dataset, one corruption."""
    from medimetac_files import clean_rows, write_medimeta, write_published

    rows = clean_rows(write_medimeta(folder / "clean", "oct"))
    write_published(folder / "published/oct/test", rows, ("contrast",), (1, 5))


def medmnistc(folder: Path) -> None:
    """Write MedMNIST-C as published: one dataset, one corruption."""
    from medmnist_files import stacked, write_clean, write_corrupted

    arrays = write_clean(folder / "clean", "octmnist")
    write_corrupted(folder / "published", "octmnist", "pixelate", stacked(arrays))


def submission(folder: Path) -> None:
    """Write a result on a benchmark, its submission, and a board that accepts the benchmark."""
    from made_up_predictions import evaluated
    from submissions_on_disk import PLAIN

    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.leaderboard import write_accepted
    from medimeta_c.leaderboard.accepted import accept
    from medimeta_c.leaderboard.submission import described, write_submission

    scored = open_benchmark(benchmark(folder))
    evaluated(folder / "results", scored).path.rename(folder / "result")
    write_submission(folder / "mine.yaml", described(PLAIN, declared=True))
    write_accepted(folder / "board/accepted.yaml", accept(scored))


def board(folder: Path) -> None:
    """Write the same, with the submission on the board."""
    from submissions_on_disk import place

    from medimeta_c.leaderboard.submission import read_submission
    from medimeta_c.results.folder.saved import read_saved

    submission(folder)
    place(folder / "board", read_saved(folder / "result"), read_submission(folder / "mine.yaml"))


_RUN = ("--device", "cpu", "--out", "out", "--quiet")
_IMAGES = ("--dataset", DATASET, "--source", "imagefolder")

COMMANDS = {
    command.name: command
    for command in (
        FaultyCommand(
            name="build",
            arguments=(
                *("build", *_IMAGES, "--data", "in/build", "--corruption", "contrast", "--severity", "1"),
                *("--jobs", "1", "--out", "out", "--quiet"),
            ),
            write=images,
            finished="out/manifest.json",
        ),
        FaultyCommand(
            name="build-part",
            arguments=(
                *(
                    "build",
                    *_IMAGES,
                    "--data",
                    "in/build-part",
                    "--corruption",
                    "contrast",
                    "--severity",
                    "1",
                ),
                *("--jobs", "1", "--part", "1/2", "--out", "out", "--quiet"),
            ),
            write=images,
            finished="out/.medimeta-c/parts/1-of-2/manifest.json",
            part=True,
        ),
        FaultyCommand(
            name="merge",
            arguments=("merge", "in/merge/first", "in/merge/second", "--out", "out", "--quiet"),
            write=lambda folder: parts(folder, "first", "second"),
            finished="out/manifest.json",
        ),
        FaultyCommand(
            name="merge-in-place",
            arguments=("merge", "in/merge-in-place/all", "--quiet"),
            write=lambda folder: parts(folder, "all"),
            finished="in/merge-in-place/all/manifest.json",
        ),
        FaultyCommand(
            name="import-medimetac",
            arguments=(
                *("import-medimetac", "in/import-medimetac/published", "--data", "in/import-medimetac/clean"),
                *("--jobs", "1", "--out", "out", "--quiet"),
            ),
            write=medimetac,
            finished="out/manifest.json",
            beside=("out.audit.json",),
        ),
        FaultyCommand(
            name="import-medmnistc",
            arguments=(
                *("import-medmnistc", "in/import-medmnistc/published", "--data", "in/import-medmnistc/clean"),
                *("--jobs", "1", "--out", "out", "--quiet"),
            ),
            write=medmnistc,
            finished="out/manifest.json",
        ),
        FaultyCommand(
            name="evaluate",
            arguments=(
                *("evaluate", "in/evaluate/benchmark", "--model", "local-dir:in/evaluate/model"),
                *("--baseline", "none", "--workers", "0", *_RUN),
            ),
            write=model,
        ),
        FaultyCommand(
            name="probe",
            arguments=(
                *("probe", "in/probe/benchmark", "--model", "local-dir:in/probe/model"),
                *("--data", "in/probe/images", "--shots", "2", "--seeds", "0", "--head", "ncm"),
                *("--baseline", "none", "--workers", "0", *_RUN),
            ),
            write=model,
        ),
        FaultyCommand(
            name="finetune",
            arguments=(
                *("finetune", "--model", "local-dir:in/finetune/model", *_IMAGES, "--data"),
                *("in/finetune/images", "--fewshot", "1", "--rank", "1", "--epochs", "1", *_RUN),
            ),
            write=model,
            logs=("training.jsonl", "training.csv"),
        ),
        FaultyCommand(
            name="push",
            arguments=("push", "in/push/benchmark", "--repo", PUSHED, "--partial", "--jobs", "1", "--quiet"),
            write=lambda folder: (benchmark(folder), None)[1],
            hub=True,
        ),
        FaultyCommand(
            name="submit",
            arguments=(
                *("submit", "in/submit/result", "--repo", BOARD, "--submission", "in/submit/mine.yaml"),
                *("--benchmark-repo", PUSHED, "--quiet"),
            ),
            write=submission,
            hub=True,
        ),
        FaultyCommand(
            name="leaderboard",
            arguments=(
                *("leaderboard", "build", "in/leaderboard/board", "--benchmark", "in/leaderboard/benchmark"),
                *("--partial", "--baseline", "none", "--out", "out", "--quiet"),
            ),
            write=board,
        ),
    )
}
