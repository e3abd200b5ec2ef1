"""What becomes of every kind of picture file: one table, from which docs/sources.md and the tests are made.

``python tests/sources/pictures/matrix.py`` prints the page's table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

BITS = ("1", "8", "12", "16", "float")
COLOURS = ("grey", "grey+alpha", "palette", "RGB", "RGBA", "CMYK", "2 channels", "4 channels", "5 channels")
LAYOUTS = ("contiguous", "planar", "tiled", "several pages", "rotated")

UNNAMED = COLOURS[6:]
ALPHA = ("grey+alpha", "RGBA")
ONE = ("contiguous", "rotated")
STILL = ("contiguous", "planar", "tiled", "rotated")
DEEP = ("12", "16", "float")


@dataclass(frozen=True)
class Rule:
    """Kinds of files with one fate.

    ``fate`` is "read", "window" or "own window" (refused without one, read with it) or "refused"; ``text`` is
    how it is read, or words of the sentence that refuses. ``untested`` kinds are written by no library here.
    """

    format: str
    bits: tuple[str, ...]
    colours: tuple[str, ...]
    layouts: tuple[str, ...]
    fate: str
    text: str = ""
    untested: bool = False


OPAQUE = "alpha dropped if every pixel is opaque, else refused: *partly transparent*"
TO_RGB = "palette applied, becomes RGB"
FRAMES = "holds 2 frames"
FLOAT = "give a window of two values"
MORE = "has more than 8 bits a channel"
WINDOW = "give a window"
BY_FRAME = "or read it frame by frame"

RULES = (
    Rule("PNG", ("1", "8"), ("grey", "palette"), ("several pages",), "refused", FRAMES),
    Rule("PNG", ("8", "16"), ("grey", "grey+alpha", "RGB", "RGBA"), ("several pages",), "refused", FRAMES),
    Rule("PNG", ("1",), ("grey",), ONE, "refused", "has colour mode 1"),
    Rule("PNG", ("8",), ("grey", "RGB"), ONE, "read", "as it is"),
    Rule("PNG", ("1", "8"), ("palette",), ONE, "read", TO_RGB),
    Rule("PNG", ("8",), ALPHA, ONE, "read", OPAQUE),
    Rule("PNG", ("16",), ("grey",), ONE, "window", WINDOW),
    Rule("PNG", ("16",), ("grey+alpha", "RGB", "RGBA"), ONE, "refused", MORE),
    Rule("JPEG", ("8",), ("grey", "RGB"), ("several pages",), "refused", FRAMES),
    Rule("JPEG", ("8",), ("grey", "RGB"), ONE, "read", "as libjpeg decodes it"),
    Rule("JPEG", ("8",), ("CMYK", "4 channels"), ONE, "refused", "holds CMYK inks"),
    Rule(
        "JPEG",
        ("8",),
        ("2 channels", "5 channels"),
        ONE,
        "refused",
        "channels: convert it to 8-bit grey or RGB",
    ),
    Rule("JPEG", ("12",), ("grey", "RGB", "CMYK", *UNNAMED), ONE, "refused", MORE),
    Rule("JPEG", ("16",), ("grey", "RGB", "CMYK", *UNNAMED), ONE, "refused", "is lossless JPEG"),
    Rule("TIFF", BITS, ("CMYK",), LAYOUTS, "refused", "holds CMYK or other inks"),
    Rule("TIFF", BITS, UNNAMED, LAYOUTS, "refused", "and does not say that one is alpha"),
    Rule("TIFF", BITS, ("grey+alpha",), ("planar",), "refused", "grey and alpha in separate planes"),
    Rule("TIFF", ("1",), ("RGB", "RGBA"), LAYOUTS, "refused", "has RGB of 1 bits a channel"),
    Rule("TIFF", ("12",), COLOURS, ("tiled",), "refused", "stores 12 bits in tiles"),
    Rule("TIFF", ("1", *DEEP), ("grey", "palette"), ("planar",), "refused", "one channel as a plane apart"),
    Rule("TIFF", BITS, COLOURS, ("several pages",), "refused", FRAMES),
    Rule("TIFF", ("1",), ("grey",), STILL, "refused", "has colour mode 1"),
    Rule("TIFF", ("1",), ("grey+alpha",), STILL, "refused", "says 1-bit grey with alpha"),
    Rule("TIFF", ("1", "8"), ("palette",), STILL, "read", TO_RGB),
    Rule("TIFF", ("8",), ("grey", "RGB"), STILL, "read", "as it is; MinIsWhite inverted"),
    Rule("TIFF", ("8",), ALPHA, STILL, "read", OPAQUE),
    Rule("TIFF", ("12", "16"), ("grey",), STILL, "window", WINDOW),
    Rule("TIFF", ("float",), ("grey",), STILL, "window", FLOAT),
    Rule("TIFF", DEEP, ("grey+alpha", "palette", "RGB", "RGBA"), STILL, "refused", MORE),
    Rule("BMP", ("1",), ("grey",), ("contiguous",), "refused", "has colour mode 1"),
    Rule("BMP", ("1", "8"), ("palette",), ("contiguous",), "read", TO_RGB),
    Rule("BMP", ("8",), ("grey",), ("contiguous",), "read", "as it is; its palette is grey"),
    Rule("BMP", ("8",), ("RGB",), ("contiguous",), "read", "as it is; 5 and 6 bits scaled to 8"),
    Rule("BMP", ("8",), ("RGBA",), ("contiguous",), "read", OPAQUE),
    Rule("GIF", ("1", "8"), ("palette",), ("several pages",), "refused", FRAMES),
    Rule("GIF", ("8",), ("grey",), ("several pages",), "refused", FRAMES),
    Rule("GIF", ("8",), ("grey",), ("contiguous",), "read", "as it is; its palette is grey"),
    Rule("GIF", ("1", "8"), ("palette",), ("contiguous",), "read", TO_RGB),
    Rule("WebP", ("8",), ("RGB", "RGBA"), ("several pages",), "refused", FRAMES),
    Rule("WebP", ("8",), ("RGB",), ONE, "read", "as libwebp decodes it"),
    Rule("WebP", ("8",), ("RGBA",), ONE, "read", OPAQUE),
    Rule(
        "JPEG 2000", BITS[:4], ("palette",), ("contiguous", "tiled"), "refused", "is JPEG 2000 with a palette"
    ),
    Rule("JPEG 2000", BITS[:4], ("CMYK",), ("contiguous", "tiled"), "refused", "holds CMYK inks"),
    Rule("JPEG 2000", BITS[:4], UNNAMED, ("contiguous", "tiled"), "refused", "channels and not grey or RGB"),
    Rule(
        "JPEG 2000",
        ("1",),
        ("grey", "RGB", *ALPHA),
        ("contiguous", "tiled"),
        "refused",
        "which Pillow rescales",
    ),
    Rule("JPEG 2000", ("8",), ("grey", "RGB"), ("contiguous", "tiled"), "read", "as OpenJPEG decodes it"),
    Rule("JPEG 2000", ("8",), ALPHA, ("contiguous", "tiled"), "read", OPAQUE),
    Rule("JPEG 2000", ("12", "16"), ("grey",), ("contiguous",), "window", WINDOW),
    Rule("JPEG 2000", ("12", "16"), ("RGB", *ALPHA), ("contiguous", "tiled"), "refused", MORE),
    Rule("JPEG 2000", ("12", "16"), ("grey",), ("tiled",), "window", WINDOW, untested=True),
    Rule(
        "AVIF", ("8", "12"), ("grey", "RGB", "RGBA"), ("several pages",), "refused", "holds an image sequence"
    ),
    Rule("AVIF", ("8",), ("grey", "RGB"), ONE, "read", "as libavif decodes it"),
    Rule("AVIF", ("8",), ALPHA, ONE, "read", OPAQUE),
    Rule("AVIF", ("12",), ("grey", "RGB", "RGBA"), ONE, "refused", MORE),
    Rule(
        "DICOM",
        BITS[:4],
        ("RGBA", "CMYK", *UNNAMED),
        ("contiguous",),
        "refused",
        "colours: convert it to RGB",
    ),
    Rule("DICOM", ("1",), ("grey",), ("contiguous",), "refused", "stores 1 of 1 bits"),
    Rule("DICOM", BITS[1:4], ("grey", "palette", "RGB"), ("several pages",), "refused", BY_FRAME),
    Rule("DICOM", ("float",), ("grey",), ("several pages",), "refused", BY_FRAME),
    Rule("DICOM", ("8",), ("grey",), ("contiguous",), "read", "as it is, or by its own window"),
    Rule("DICOM", ("12", "16"), ("grey",), ("contiguous",), "own window", WINDOW),
    Rule("DICOM", ("float",), ("grey",), ("contiguous",), "window", FLOAT),
    Rule("DICOM", BITS[1:4], ("palette",), ("contiguous",), "read", TO_RGB),
    Rule("DICOM", ("8",), ("RGB",), ("contiguous", "planar"), "read", "as it is; YCbCr becomes RGB"),
    Rule("DICOM", ("12", "16"), ("RGB",), ("contiguous", "planar"), "refused", MORE),
)
"""The first rule that fits holds. What fits none cannot be stored in the format."""


def cells() -> Iterator[tuple[str, str, str, str, Rule]]:
    """Yield every kind of file there can be, as format, bits, colours and layout, and its rule."""
    for name in dict.fromkeys(rule.format for rule in RULES):
        rules = [rule for rule in RULES if rule.format == name]
        for bits, colours, layout in product(BITS, COLOURS, LAYOUTS):
            for rule in rules:
                if bits in rule.bits and colours in rule.colours and layout in rule.layouts:
                    yield name, bits, colours, layout, rule
                    break


def page() -> str:
    """Return the table as docs/sources.md has it."""
    lines = ["| format | bits | colours | stored | what happens |", "|---|---|---|---|---|"]
    for rule in RULES:
        axes = zip((rule.bits, rule.colours, rule.layouts), (BITS, COLOURS, LAYOUTS), strict=True)
        named = ["any" if len(values) == len(axis) else ", ".join(values) for values, axis in axes]
        words = f"*{rule.text}*"
        happens = {
            "read": f"read: {rule.text}",
            "window": f"by the given window, else refused: {words}",
            "own window": f"by the given window or its own, else refused: {words}",
            "refused": f"refused: {words}",
        }[rule.fate]
        happens += " (not tested: no sample file)" * rule.untested
        lines.append(f"| {' | '.join((rule.format, *named, happens))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())  # noqa: T201
