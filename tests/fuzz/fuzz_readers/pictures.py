"""Readers of pictures: those stored in shards, and those that people bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz_readers.entry import entry

_STORED = "pictures/stored.png"
_COLOUR = "pictures/stored-rgb.png"


def _stored(root: Path) -> None:
    import numba  # noqa: F401  (without it the compiled reader is not used)

    from medimeta_c.format.png import decode

    decode((root / _STORED).read_bytes())


def _compiled(root: Path) -> None:
    import numpy as np

    from medimeta_c.format.png import _opencv_pixels
    from medimeta_c.format.png.reading import plain_pixels

    data = (root / _STORED).read_bytes()
    found = plain_pixels(data)
    if found is None:
        _opencv_pixels(data)  # raises of what neither reads
    else:
        assert np.array_equal(found, _opencv_pixels(data))


def _picture(file: str) -> Callable[[Path], object]:
    def read(root: Path) -> None:
        """Read a picture; one that is refused, again as one of more than eight bits."""
        from medimeta_c.errors import SourceError
        from medimeta_c.sources.pictures.reading import read_image

        try:
            read_image(root / file)
        except SourceError:
            read_image(root / file, window="full", frame=0 if file.endswith(".dcm") else None)

    return read


_KINDS = {
    "png": {"blocks": "png_header _palette _indexed"},
    "jpg": {"jpeg": "jpeg_frame _segments jpeg_header"},
    "tiff": {"tiff": ""},
    "bmp": {"blocks": "bmp_header _check_fourth_bytes"},
    "gif": {"blocks": "gif_header _gif_colours _gif_data"},
    "webp": {"blocks": "webp_header _webp_frames"},
    "jp2": {"boxes": "jpeg2000_header _jp2_colours _boxes _contents _length"},
    "avif": {"boxes": "avif_header _avif_properties _associations _boxes _contents"},
    "dcm": {
        "dicom": "_dataset _header _check_grey _check_decodable _group dicom_image _stored "
        "_check_jpeg_colours _palette _modality _looked_up _table _own_shades"
    },
}

READERS = (
    entry("stored-png", "png", _STORED, _stored, code={"format.png": "_opencv_pixels"}, also=(_COLOUR,)),
    entry("plain-png", "png", _STORED, _compiled, code={"format.png.reading": ""}, also=(_COLOUR,)),
    *(
        entry(
            f"picture-{kind}",
            {"png": "png", "dcm": "dicom"}.get(kind, "bytes"),
            f"pictures/picture.{kind}",
            _picture(f"pictures/picture.{kind}"),
            code={f"sources.pictures.{module}": names for module, names in code.items()},
            also=(f"pictures/{kind}/*",),
        )
        for kind, code in _KINDS.items()
    ),
)
