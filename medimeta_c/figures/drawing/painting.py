"""Paint a canvas with Pillow: type at whole pixels, lines smoothed by painting them larger."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from medimeta_c.figures.drawing.canvas import Box, Canvas, Line, Tile, Words, coloured
from medimeta_c.figures.drawing.letters import face

__all__ = ["encoded", "paint"]

_Point = tuple[float, float]

_FINER = 4  # lines are painted so many times larger
# In sizes of the type: from the baseline up to the top of an l, down to the foot of a p; from line to line.
_ASCENT, _DESCENT, _PITCH = 0.76, 0.24, 1.2


def paint(canvas: Canvas) -> Pillow.Image:
    """Return a drawing, in RGB. Its letters must all be of the type, see `letters.is_plain`."""
    page = Pillow.new("RGB", (canvas.width, canvas.height), "white")
    for mark in canvas.marks:
        match mark:
            case Words():
                _write(page, mark, canvas.dpi)
            case Line():
                _stroke(page, mark, canvas.px(mark.width))
            case Box():
                page.paste(mark.colour, (mark.left, mark.top, mark.left + mark.wide, mark.top + mark.high))
            case Tile():
                page.paste(
                    Pillow.fromarray(np.ascontiguousarray(coloured(mark.image))), (mark.left, mark.top)
                )
    return page


def encoded(pixels: NDArray[np.uint8], dpi: float) -> bytes:
    """Return pixels, shape (H, W, 3), as PNG: grey where all are, without the time or a program's name."""
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    buffer = io.BytesIO()
    image = Pillow.fromarray(np.ascontiguousarray(pixels))
    image.save(buffer, "PNG", compress_level=6, dpi=(dpi, dpi))
    return buffer.getvalue()


def _write(page: Pillow.Image, words: Words, dpi: float) -> None:
    font = face(words.points, dpi, words.bold)
    lines, em = words.text.split("\n"), words.points * dpi / 72
    widest = max(font.getlength(line) for line in lines)
    high = (_ASCENT + _DESCENT + (len(lines) - 1) * _PITCH) * em
    if words.turned:
        margin = math.ceil(em / 2)
        side = Pillow.new("L", (math.ceil(widest) + 2 * margin, math.ceil(high) + 2 * margin))
        draw = ImageDraw.Draw(side)
        for index, line in enumerate(lines):
            place = (side.width / 2, round(margin + (_ASCENT + index * _PITCH) * em))
            draw.text(place, line, fill=255, font=font, anchor="ms")
        turned = side.transpose(Pillow.Transpose.ROTATE_90)
        lead = (_PITCH - _ASCENT - _DESCENT) / 2 * em if len(lines) > 1 else 0.0
        corner = (round(words.x + lead) - margin, round(words.y - turned.height / 2))
        page.paste(words.colour, corner, turned)
        return
    last = words.y if words.up == "baseline" else words.y + high / 2 - _DESCENT * em
    draw = ImageDraw.Draw(page)
    for index, line in enumerate(reversed(lines)):
        baseline = round(last - index * _PITCH * em)
        anchor = {"left": "ls", "center": "ms", "right": "rs"}[words.across]
        draw.text((round(words.x), baseline), line, fill=words.colour, font=font, anchor=anchor)


def _stroke(page: Pillow.Image, line: Line, width: float) -> None:
    if len(line.points) == 2 and not line.dash and _is_upright(*line.points):
        _rule(page, line, max(1, round(width)))
        return
    margin = math.ceil(width) + 1
    across, down = zip(*line.points, strict=True)
    left, top = math.floor(min(across)) - margin, math.floor(min(down)) - margin
    wide, high = math.ceil(max(across)) + margin - left, math.ceil(max(down)) + margin - top
    mask = Pillow.new("L", (wide * _FINER, high * _FINER))
    draw, thick = ImageDraw.Draw(mask), max(1, round(width * _FINER))
    for piece in _pieces(line.points, [length * width for length in line.dash]):
        large = [((x - left) * _FINER, (y - top) * _FINER) for x, y in piece]
        draw.line(large, fill=255, width=thick, joint="curve")
        for x, y in () if line.dash else (large[0], large[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    page.paste(line.colour, (left, top), mask.reduce(_FINER))


def _is_upright(start: _Point, end: _Point) -> bool:
    return start[0] == end[0] or start[1] == end[1]


def _rule(page: Pillow.Image, line: Line, thick: int) -> None:
    """Paint a horizontal or vertical line in whole pixels."""
    (left, right), (top, bottom) = (sorted(ends) for ends in zip(*line.points, strict=True))
    x, y = round(left - thick / 2), round(top - thick / 2)
    if left == right:
        page.paste(line.colour, (x, round(top), x + thick, round(bottom)))
    else:
        page.paste(line.colour, (round(left), y, round(right), y + thick))


def _pieces(points: Sequence[_Point], dash: Sequence[float]) -> Iterator[list[_Point]]:
    """Yield the dashes along a line, each as points; without lengths, the line itself."""
    if not dash:
        yield list(points)
        return
    turn, rest = 0, dash[0]
    piece = [points[0]]
    for start, end in pairwise(points):
        length = math.dist(start, end)
        gone = 0.0
        while length - gone > rest:
            gone += rest
            share = gone / length
            place = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            if turn % 2 == 0:
                yield [*piece, place]
            piece = [place]
            turn += 1
            rest = dash[turn % len(dash)]
        rest -= length - gone
        piece.append(end)
    if turn % 2 == 0:
        yield piece
