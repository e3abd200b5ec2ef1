"""Change zip archives."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import PurePosixPath

from fuzz_mutators.arrays import npy
from fuzz_mutators.texts import json_values, lines, table_text, yaml_values
from fuzz_mutators.values import flip

_MEMBERS = {".csv": table_text, ".json": json_values, ".npy": npy, ".txt": lines, ".yaml": yaml_values}
"""How members are changed, by the end of their name; others byte by byte."""


def zipped(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, rename, repeat or recompress the members of a zip archive; checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = draw.randrange(len(members)) if members else 0
    name, content = members[place]
    match draw.randrange(7):
        case 0:
            del members[place]
        case 1:
            members.append((name, content))
        case 2:
            members[place] = (
                draw.choice(("../x", "/x", "a\\b", "", f"{name}/", "A" * 60_000, "con")),
                content,
            )
        case 3:
            members[place] = (name, flip(content, draw))
        case _:
            inner = _MEMBERS.get(PurePosixPath(name).suffix, flip)
            members[place] = (name, inner(content, draw))
    stream = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = method
            with contextlib.suppress(UserWarning, zipfile.LargeZipFile, ValueError):
                archive.writestr(info, content)
    return stream.getvalue()
