"""Measure the most memory a process takes for a picture of 5000 x 6000 grey values, at each step of its way.

Each figure is of a process of its own, imports included: VmHWM, in MB. The picture is random, which PNG cannot
make smaller.

    python scripts/bench/peaks.py              every corruption at severities 1 and 5, and every stage
    python scripts/bench/peaks.py --all        all severities
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from memory import peak_memory

LIMIT = 1_000_000_000
"""What a worker may take, in bytes."""

SHAPE = (5000, 6000)
SUITE = ("gaussian_noise", "impulse_noise", "motion_blur", "zoom_blur", "brightness", "contrast", "pixelate")
SET = "mammograms"
Stage = Callable[..., None]


def picture() -> np.ndarray:
    """Return random grey values."""
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def corrupt(name: str, severity: str) -> None:
    """Corrupt the picture, as a caller of `medimeta_corruptions` does."""
    import medimeta_corruptions

    medimeta_corruptions.corrupt(picture(), name, int(severity), generator())


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=0))


def encode() -> None:
    """Encode the picture."""
    from medimeta_c.format import png

    png.encode(picture())


def digest() -> None:
    """Take the picture's digest."""
    from medimeta_c.format import png

    png.digest(picture())


def spectrum() -> None:
    """Measure the picture's spectrum."""
    from medimeta_c.format.spectrum import spectrum as measured

    measured(picture())


def shards(folder: Path, images: Iterable[bytes]) -> None:
    """Write a set of encoded images, whose digests and statistics are made up."""
    from medimeta_c.format import png
    from medimeta_c.format.keys import SetKey
    from medimeta_c.format.shards import Row, ShardWriter
    from medimeta_c.format.spectrum import spectrum as measured

    pixels = np.zeros((2, 2), np.uint8)
    digest, statistics = png.digest(pixels), measured(pixels)
    with ShardWriter(folder, SetKey(SET, "test", "contrast", 1), ("benign",)) as writer:
        for index, data in enumerate(images):
            row = Row(image_id=f"{index:06d}", label=0, data=data, pixels_sha256=digest, spectrum=statistics)
            writer.add(row)
        writer.finish()


def written(folder: str) -> None:
    """Write a set of twenty such pictures: more than a shard holds."""
    # As large as the encoded picture; nothing here decodes it.
    size = SHAPE[0] * SHAPE[1]
    shards(Path(folder) / "written", (np.random.default_rng(index).bytes(size) for index in range(20)))


def smooth(folder: Path) -> None:
    """Write a row group of forty pictures that PNG makes small."""
    from medimeta_c.format import png

    grains = np.random.default_rng(0).integers(0, 256, (SHAPE[0] // 100, SHAPE[1] // 100), dtype=np.uint8)
    shards(folder / "smooth", [png.encode(np.repeat(np.repeat(grains, 100, 0), 100, 1))] * 40)


def decoded(folder: str) -> None:
    """Decode a row group of forty pictures as for a model, whose own libraries are not loaded."""
    from medimeta_c.format.keys import SetKey
    from medimeta_c.scoring.decoding import Chunk, Prepare, decode

    (path,) = (Path(folder) / "smooth").rglob("*.parquet")
    chunk = Chunk(key=SetKey(SET, "test", "contrast", 1), path=path, row_group=0)
    prepare = Prepare(
        transform=lambda image: np.asarray(image.resize((224, 224)).convert("RGB")),
        is_raw=lambda height, width: False,
    )
    assert len(decode(chunk, prepare)) == 40


def command(folder: str, name: str, severity: str) -> None:
    """Run ``medimeta-c corrupt`` on the picture's file."""
    from medimeta_c.building.corrupt_files import corrupt_files

    file = next((Path(folder) / SET).glob("*/*/*.png"))
    corrupt_files([file], name, int(severity), Path(folder) / "corrupted")


def built(folder: str, name: str, severity: str) -> None:
    """Build one set and its clean one: read, corrupt, encode, digest, measure, write."""
    from medimeta_c.building.build import BuildConfig, build

    build(
        BuildConfig(
            datasets=(SET,),
            source="imagefolder",
            data_dir=Path(folder),
            out=Path(folder) / "built",
            corruptions=(name,),
            severities=(int(severity),),
            splits=("test",),
            jobs=1,
        )
    )


def verified(folder: str, rebuild: str) -> None:
    """Verify what was built; `rebuild` rows of each set are rendered again."""
    from medimeta_c.building.verification import verify

    report = verify(Path(folder) / "built", rebuild=int(rebuild), data_dir=Path(folder), jobs=1)
    assert report.ok, report.problems


STAGES: dict[str, Stage] = {
    stage.__name__: stage
    for stage in (corrupt, encode, digest, spectrum, written, command, built, verified, decoded)
}


def pictures(folder: Path, count: int) -> None:
    """Write the picture as files of two classes in turn: one file, under as many names."""
    import cv2

    files = [folder / SET / "test" / ("benign", "malignant")[i % 2] / f"{i:03d}.png" for i in range(count)]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path == files[0]:
            cv2.imwrite(str(path), picture(), (cv2.IMWRITE_PNG_COMPRESSION, 0))
        else:
            os.link(files[0], path)


def measured(stage: str, *arguments: str) -> int:
    """Return the peak of a new process that runs one stage, in bytes."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).absolute()), "--stage", stage, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{stage} {' '.join(arguments)}: {run.stderr}")
    return int(run.stdout.splitlines()[-1])


def table(severities: tuple[int, ...], count: int) -> Iterator[tuple[str, int]]:
    """Yield what was done and its peak in bytes: corruptions, then the stages of a build."""
    for name in SUITE:
        for severity in severities:
            yield f"{name} {severity}", measured("corrupt", name, str(severity))
    for stage in ("encode", "digest", "spectrum"):
        yield stage, measured(stage)
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder), count)
        yield "shards of 20 pictures", measured("written", folder)
        yield "corrupt command", measured("command", folder, "gaussian_noise", "5")
        yield f"build of {count} pictures", measured("built", folder, "gaussian_noise", "5")
        yield "verify", measured("verified", folder, "0")
        yield "verify --rebuild 1", measured("verified", folder, "1")
        smooth(Path(folder))
        yield "decoding a row group of 40", measured("decoded", folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="all severities")
    parser.add_argument("--pictures", type=int, default=6, help="how many are built")
    parser.add_argument("--stage", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        name, *arguments = options.stage
        STAGES[name](*arguments)
        print(peak_memory())
        return
    print("| step | peak, MB |\n|---|---:|")
    over = False
    for what, peak in table((1, 2, 3, 4, 5) if options.all else (1, 5), options.pictures):
        over = over or peak >= LIMIT
        print(f"| {what} | {peak / 1e6:.0f} |", flush=True)
    sys.exit(over)


if __name__ == "__main__":
    main()
