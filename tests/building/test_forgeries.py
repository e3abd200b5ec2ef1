"""What `verify` finds although a forger made every digest right again."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from forging import Rows, forge
from PIL import Image

from medimeta_c.building.checks.png import decode_plain
from medimeta_c.building.verification import verify
from medimeta_c.errors import ShardError
from medimeta_c.format import png
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest, write_manifest
from medimeta_c.format.manifest.records import FileRecord
from medimeta_c.format.stats import write_spectra
from medimeta_c.io.files import sha256_file

CONTRAST = "rays/test/contrast/severity-3"


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """A finished build of three sets, to forge."""
    return Path(shutil.copytree(small, tmp_path / "copy"))


def found(root: Path) -> str:
    """Every problem that `verify` names, a line each."""
    return "\n".join(map(str, verify(root, jobs=1).problems))


def test_the_forger_is_careful(copy: Path) -> None:
    """Rows and manifest written again, unchanged, verify: what is found below is what was forged."""
    forge(copy, lambda rows: rows)
    assert found(copy) == ""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def after_header(extra: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:33] + extra + data[33:]


def with_header(change: Callable[[bytearray], None]) -> Callable[[bytes], bytes]:
    def forged(data: bytes) -> bytes:
        header = bytearray(data[16:29])
        change(header)
        return data[:8] + chunk(b"IHDR", bytes(header)) + data[33:]

    return forged


def as_format(name: str, **options: object) -> Callable[[bytes], bytes]:
    def forged(data: bytes) -> bytes:
        out = io.BytesIO()
        Image.fromarray(png.decode(data)).save(out, name, **options)
        return out.getvalue()

    return forged


def with_stream(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Other compressed pixels in one IDAT."""

    def forged(data: bytes) -> bytes:
        size = int.from_bytes(data[33:37], "big")
        raw = zlib.decompress(data[41 : 41 + size])
        return data[:33] + chunk(b"IDAT", change(raw)) + chunk(b"IEND", b"")

    return forged


EXIF = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
NOT_PLAIN = {
    "orientation": (after_header(chunk(b"eXIf", EXIF)), "chunk b'eXIf'"),
    "gamma": (after_header(chunk(b"gAMA", struct.pack(">I", 10000))), "chunk b'gAMA'"),
    "text": (after_header(chunk(b"tEXt", b"a\0b")), "chunk b'tEXt'"),
    "empty chunk": (lambda data: data[:-12] + chunk(b"IEND", b"x"), "another order or number"),
    "two headers": (lambda data: data[:33] + data[8:], "another order or number"),
    "wrong CRC": (lambda data: data[:-1] + b"\0", "CRC differs"),
    "bytes after": (lambda data: data + b"\0", "after its end"),
    "a picture after": (lambda data: data + data, "after its end"),
    "cut short": (lambda data: data[:-12], "another order or number"),
    "cut in a chunk": (lambda data: data[:-3], "cut short"),
    "interlaced": (with_header(lambda header: header.__setitem__(12, 1)), "interlaced"),
    "no pixels": (with_header(lambda header: header.__setitem__(slice(0, 4), bytes(4))), "not 8-bit"),
    "higher": (with_header(lambda header: header.__setitem__(7, 200)), "more or fewer pixels"),
    "rows too many": (with_stream(lambda raw: zlib.compress(raw + b"\0")), "more or fewer pixels"),
    "rows too few": (with_stream(lambda raw: zlib.compress(raw[:-1])), "more or fewer pixels"),
    "hidden bytes": (with_stream(lambda raw: zlib.compress(raw) + b"x"), "more or fewer pixels"),
    "no zlib stream": (with_stream(lambda raw: raw), "pixels are damaged"),
    "palette": (as_format("GIF"), "do not decode as PNG"),
    "BMP": (as_format("BMP"), "do not decode as PNG"),
    "WebP": (as_format("WEBP", lossless=True), "do not decode as PNG"),
    "16 bits": (
        lambda data: cv2.imencode(".png", png.decode(data).astype(np.uint16))[1].tobytes(),
        "not 8-bit",
    ),
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_only_plain_png_is_stored(kind: str) -> None:
    """Whatever could make a reader show other pixels than were digested is refused, and named."""
    change, message = NOT_PLAIN[kind]
    plain = png.encode(np.arange(12 * 10, dtype=np.uint8).reshape(12, 10))
    assert (decode_plain(plain) == png.decode(plain)).all()
    with pytest.raises(ShardError, match=message):
        decode_plain(change(plain))


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (700, 900, 3), (3, 40000)])
def test_what_the_builder_encodes_is_plain(shape: tuple[int, ...]) -> None:
    """Every size and channel count, several IDAT chunks too."""
    draw = np.random.Generator(np.random.Philox(key=1))
    image = draw.integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decode_plain(png.encode(image)), image)
    assert np.array_equal(decode_plain(png.encode(image // 255)), image // 255)


def test_a_claim_of_many_pixels_costs_little() -> None:
    """A stream that unpacks to far more than it should be stops being unpacked at once."""
    body = zlib.compress(bytes(200_000_000), 9)
    data = png.encode(np.zeros((1, 1), np.uint8))[:33] + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    with pytest.raises(ShardError, match="more or fewer"):
        decode_plain(data)


@pytest.mark.parametrize("kind", ["orientation", "gamma", "BMP"])
def test_pictures_that_others_show_otherwise_are_found(copy: Path, kind: str) -> None:
    """The row is named, with its set."""

    def change(rows: Rows) -> None:
        rows[4]["image"]["bytes"] = NOT_PLAIN[kind][0](rows[4]["image"]["bytes"])

    forge(copy, change, where="contrast/severity-3")
    text = found(copy)
    assert f"(set {CONTRAST}): row 4" in text
    assert NOT_PLAIN[kind][1] in text


@pytest.mark.parametrize("path", [None, "", "../../secret.png", "cells_test_class0__000_contrast_3.png"])
def test_an_image_goes_by_its_own_name(copy: Path, path: str | None) -> None:
    """A row's file name is that of its set and id, and no other."""

    def change(rows: Rows) -> None:
        rows[2]["image"]["path"] = path

    forge(copy, change, where="contrast/severity-3")
    assert f"(set {CONTRAST}): row 2" in (text := found(copy))
    assert "its image's path is not 'rays_test_" in text


def flip(rows: Rows) -> None:
    for row in rows:
        row["label"] = 1 - row["label"]


@pytest.mark.parametrize(
    "change", [flip, lambda rows: rows[1:], lambda rows: rows[:-1]], ids=["labels", "first", "last"]
)
def test_one_set_has_no_images_or_labels_of_its_own(copy: Path, change: Callable[[Rows], Rows]) -> None:
    """Labels flipped in one set, or a row that it lacks, are found beside the other sets of the split."""
    forge(copy, change, where="contrast/severity-3")
    assert found(copy) == (
        f"data/{CONTRAST}-00000-of-00001.parquet (set {CONTRAST}): its ids or labels differ from the "
        "other sets of rays/test"
    )


@pytest.mark.parametrize("column", ["dct_low", "dct_mid", "dct_high", "dct_centroid"])
@pytest.mark.parametrize("change", [lambda x: x + 3e-6, lambda x: None, lambda x: float("nan")])
def test_spectra_of_rows_follow_from_their_pixels(
    copy: Path, column: str, change: Callable[[float], float | None]
) -> None:
    """A column of frequencies cannot say anything else."""

    def forged(rows: Rows) -> None:
        rows[3][column] = change(rows[3][column])

    forge(copy, forged, where="contrast/severity-3")
    assert f"(set {CONTRAST}): row 3" in (text := found(copy))
    assert f"its {column} does not match its pixels" in text


@pytest.mark.parametrize("name", ["dc", "profile", "low", "centroid", "images_with_ac"])
def test_spectra_of_sets_follow_from_their_pixels(copy: Path, name: str) -> None:
    """What the manifest and the statistics file say of a set is what its pixels give."""

    def change(values: dict[str, Any]) -> None:
        spectrum = values["sets"][0]["spectrum"]
        if name == "profile":
            spectrum[name][10] *= 1.00003
        elif name == "images_with_ac":
            spectrum[name] -= 1
        else:
            spectrum[name] *= 1.00003

    forge(copy, manifest=change)
    assert "the manifest's spectrum does not match its pixels" in found(copy)


@pytest.mark.parametrize("listed", [True, False])
def test_statistics_are_those_of_the_manifest(copy: Path, listed: bool) -> None:
    """The statistics file holds what the manifest holds; and the manifest lists it."""
    manifest = read_manifest(copy / MANIFEST_NAME)
    other = [one.model_copy(update={"rows": one.rows + 1}) for one in manifest.sets]
    record = write_spectra(copy, other)
    write_manifest(copy, manifest.model_copy(update={"files": (record,) if listed else ()}))
    assert ("differ from the manifest's" if listed else "does not list stats/spectrum") in found(copy)


@pytest.mark.parametrize("name", ["data/rays/train.csv", "rays.py", "README.md"])
def test_the_manifest_lists_no_file_of_its_own(copy: Path, name: str) -> None:
    """That the manifest lists a file beside shards and statistics is no leave to have it."""
    path = copy / name
    path.write_bytes(path.read_bytes() if path.exists() else b"x")
    manifest = read_manifest(copy / MANIFEST_NAME)
    record = FileRecord(path=name, bytes=path.stat().st_size, sha256=sha256_file(path))
    write_manifest(copy, manifest.model_copy(update={"files": (*manifest.files, record)}))
    assert found(copy) == f"{name}: the manifest lists this file, but a benchmark has no such file"
    write_manifest(copy, manifest.model_copy(update={"files": manifest.files * 2}))
    assert "lists a file twice" in found(copy)
    (stated,) = manifest.files
    smaller = stated.model_copy(update={"bytes": stated.bytes - 1})
    write_manifest(copy, manifest.model_copy(update={"files": (smaller,)}))
    assert "its size or SHA-256 differs" in found(copy)


def test_the_card_sends_nobody_elsewhere(copy: Path) -> None:
    """A configuration that loads another corruption's files is found: no digest vouches for it."""
    card = (copy / "README.md").read_text(encoding="utf-8")
    head, name, tail = card.partition("- config_name: rays-contrast")
    (copy / "README.md").write_text(head + name + tail.replace("/contrast/", "/clean/", 1), encoding="utf-8")
    assert "README.md: does not match this benchmark (its configuration 'rays-contrast'" in found(copy)
    (copy / "README.md").unlink()
    assert found(copy).startswith("README.md: is missing")


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("config: rays", "config: rays-clean"), lambda text: "a: *b"]
)
def test_tasks_are_those_of_the_build(copy: Path, change: Callable[[str], str]) -> None:
    """Tasks edited are found; spelled otherwise, or deleted, they are not missed."""
    text = (copy / "eval.yaml").read_text(encoding="utf-8")
    (copy / "eval.yaml").write_text(change(text), encoding="utf-8")
    assert found(copy).startswith("eval.yaml: ")
    (copy / "eval.yaml").write_text(f"# by hand\n{text}", encoding="utf-8")
    assert found(copy) == ""
    (copy / "eval.yaml").unlink()
    assert found(copy) == ""


@pytest.mark.parametrize(
    "name",
    [
        "data/rays/test/contrast/SEVERITY-4.PARQUET",
        "data/rays/test/contrast/.severity-4.parquet",
        "data/rays/notes",
        "DATA/train.csv",
        "train.JSONL",
        "rays.py",
        "dataset_infos.json",
        ".huggingface.yaml",
        "readme.md",
        "LICENSE.zip",
        "assets/more/a.png",
        "assets/a.svg",
        "stats/old",
    ],
)
def test_what_a_loader_may_read_is_listed(copy: Path, name: str) -> None:
    """Files that no manifest lists, in any case of letters, are named if a loader could match them."""
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_bytes(b"")
    text = found(copy)
    assert text.startswith(f"{name}: the manifest does not list this")
    assert "\n" not in text


def test_files_that_nobody_loads_are_nobodys_business(copy: Path) -> None:
    """Terms, notes, folders of this machine and what a killed build left."""
    names = ["LICENSE", "LICENSE.txt", ".gitattributes", "notes.md", "assets/own.png", ".DS_Store"]
    for name in (*names, ".cache/huggingface/a.json", "data/rays/test/contrast/.severity-1-00000-9.part"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(b"")
    assert found(copy) == ""


def test_links_lead_nowhere_else(copy: Path, tmp_path: Path) -> None:
    """A link out of the tree, to a folder or to nothing is found; one within the Hub's cache is how it is."""
    (tmp_path / "elsewhere").write_bytes(b"")
    for name, target in (("a.md", tmp_path / "elsewhere"), ("b", tmp_path), ("c", tmp_path / "nothing")):
        (copy / name).symlink_to(target)
    assert [line.partition(":")[0] for line in found(copy).splitlines()] == ["a.md", "b", "c"]
    for name in ("a.md", "b", "c"):
        (copy / name).unlink()
    (tmp_path / "repo" / "blobs").mkdir(parents=True)
    (tmp_path / "repo" / "snapshots").mkdir()
    cached = copy.rename(tmp_path / "repo" / "snapshots" / "0a1b")
    (cached / "README.md").rename(tmp_path / "repo" / "blobs" / "1")
    (cached / "README.md").symlink_to(tmp_path / "repo" / "blobs" / "1")
    assert found(cached) == ""


def swap_names(values: dict[str, Any]) -> None:
    values["datasets"][0]["class_names"].reverse()


@pytest.mark.parametrize(
    ("change", "manifest", "message"),
    [
        (flip, None, "its label differs from its source's"),
        (lambda rows: rows[1:], None, "the set has 7 rows, its source has 8 images"),
        (None, swap_names, "manifest.json: the class names of 'rays' differ from its source's"),
    ],
    ids=["labels", "rows", "names"],
)
def test_a_consistent_forgery_is_seen_beside_the_source(
    copy: Path,
    clean_dir: Path,
    change: Callable[[Rows], Rows] | None,
    manifest: Callable[[dict[str, Any]], None] | None,
    message: str,
) -> None:
    """Labels flipped or rows missing in every set, or class names swapped: nothing but the source tells."""
    forge(copy, change, manifest=manifest)
    assert found(copy) == ""
    problems = verify(copy, rebuild=1, data_dir=clean_dir, jobs=1).problems
    assert problems
    assert all(message in str(problem) for problem in problems)
