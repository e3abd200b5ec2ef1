"""Read DICOM files through pydicom: from stored values to the shades that are displayed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import MissingExtraError, short
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures.header import Damage, Header, Kind, Refusal, palette_bytes
from medimeta_c.sources.pictures.jpeg import jpeg_frame
from medimeta_c.sources.pictures.window import Window, by_rows, shades, tally

__all__ = ["dicom_header", "dicom_headers", "dicom_image"]

_GREY = {"MONOCHROME1", "MONOCHROME2"}
_COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_JPEGS = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_INSTALL = "pip install 'pylibjpeg[all]' pyjpegls"


def dicom_header(path: Path, frame: int | None) -> Header:
    """Return what a DICOM file says of its pixels, or refuse what cannot be decoded or shown.

    Raises
    ------
    Refusal
        If it holds no picture, or one of a kind not read here, or no installed library decodes it.
    MissingExtraError
        If pydicom is not installed.
    """
    return _header(_dataset(path), frame)


def dicom_headers(path: Path) -> list[Header]:
    """Return what a DICOM file says of each of its frames; raises as `dicom_header` does."""
    dataset = _dataset(path)
    first = _header(dataset, 0)
    return [first, *(_header(dataset, frame) for frame in range(1, first.pictures))]


def _dataset(path: Path) -> Any:
    try:
        import pydicom  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{path} is a DICOM file; reading it", "dicom") from error
    # Large elements are read when asked for: the pixels of a header never are.
    return pydicom.dcmread(path, defer_size=65_536)


def _header(dataset: Any, frame: int | None) -> Header:
    kept = [name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in dataset]
    if not kept or "Rows" not in dataset:
        kind = dataset.file_meta.get("MediaStorageSOPClassUID")
        raise Refusal(f"holds {kind.name if kind else 'other data'} and no picture: give its images")
    photometric, samples = str(dataset.get("PhotometricInterpretation", "")), int(dataset.SamplesPerPixel)
    known = photometric in {*_GREY, *_COLOUR, "PALETTE COLOR"}
    if not known or samples != (3 if photometric in _COLOUR else 1):
        raise Refusal(
            f"holds {samples} channels of {photometric or 'unnamed'} colours: convert it to RGB first"
        )
    _check_decodable(dataset)
    bits, allocated = int(dataset.get("BitsStored", 32)), int(dataset.BitsAllocated)
    if kept[0] == "PixelData" and (allocated not in {8, 16} or not 1 < bits <= allocated):
        raise Refusal(f"stores {bits} of {allocated} bits: convert it to 8 or 16 bits")
    if photometric in _COLOUR and bits < 8:
        raise Refusal(f"stores colours of {bits} bits: convert it to 8 bits a channel")
    if dataset.get("HighBit", bits - 1) != bits - 1:
        raise Refusal(f"keeps its values' highest bit in bit {dataset.HighBit}, not {bits - 1}: rewrite it")
    if photometric in _GREY:
        _check_grey(dataset, photometric)
    stored: Kind = "unsigned"
    if kept[0] != "PixelData":
        stored, bits = "float", allocated
    elif photometric == "PALETTE COLOR":
        bits = 8  # its values are places in a table, of any number of bits
    elif dataset.get("PixelRepresentation", 0) == 1 or _rescaled(dataset, frame):
        stored = "signed"
    return Header(
        format="DICOM",
        width=int(dataset.Columns),
        height=int(dataset.Rows),
        colours="grey" if photometric in _GREY else "RGB" if photometric in _COLOUR else "palette",
        bits=max(bits, 8),
        kind=stored,
        pictures=int(dataset.get("NumberOfFrames") or 1),
        windowed=_own_window(dataset, frame) is not None,
        patient=_patient(dataset),
    )


def _patient(dataset: Any) -> str:
    """Return whom a file is of; one number may be two patients' of two issuers."""
    said = [str(dataset.get(name) or "").strip() for name in ("PatientID", "IssuerOfPatientID")]
    return "\0".join(said) if said[0] else ""


def _check_grey(dataset: Any, photometric: str) -> None:
    shape = dataset.get("PresentationLUTShape", "")
    if shape not in {"", "IDENTITY" if photometric == "MONOCHROME2" else "INVERSE"}:
        raise Refusal(
            f"says {photometric} and the opposite, PresentationLUTShape {shape}: correct one of them"
        )
    if dataset.get("PixelPresentation", "MONOCHROME") not in {"MONOCHROME", "TRUE_COLOR", ""}:
        raise Refusal("colours its grey values (supplemental palette): save it as RGB first")


def _check_decodable(dataset: Any) -> None:
    from pydicom.pixels import get_decoder  # noqa: PLC0415

    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise Refusal("does not say its transfer syntax: write it anew as a DICOM file (dcmconv)")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise Refusal(f"is encoded as {syntax.name}, which pydicom does not read: decompress it") from error
    # Pillow's part reads no JPEG of 12 bits, though it offers to.
    short = syntax == "1.2.840.10008.1.2.4.51" and int(dataset.get("BitsStored", 8)) > 8
    ready = set(decoder.available_plugins) - ({"pillow"} if short else set())
    if not (decoder.is_available and (ready or not decoder.is_encapsulated)):
        raise Refusal(f"is compressed as {syntax.name}, which nothing installed can undo: {_INSTALL}")


def _group(dataset: Any, sequence: str, frame: int | None) -> Any:
    """Return the part of an enhanced file that describes a frame, or the file itself."""
    for name, place in (
        ("PerFrameFunctionalGroupsSequence", frame or 0),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        groups = dataset.get(name) or []
        if place < len(groups) and (found := groups[place].get(sequence)):
            return found[0]
    return dataset


def _rescaled(dataset: Any, frame: int | None) -> bool:
    """Return whether stored values stand for others."""
    item = _group(dataset, "PixelValueTransformationSequence", frame)
    slope, shift = item.get("RescaleSlope"), item.get("RescaleIntercept")
    return "ModalityLUTSequence" in item or (1 if slope is None else slope, shift or 0) != (1, 0)


def _own_window(dataset: Any, frame: int | None) -> Any:
    """Return the part of a file that says how its values are shown, or None."""
    item = _group(dataset, "FrameVOILUTSequence", frame)
    return item if item.get("VOILUTSequence") or item.get("WindowWidth") is not None else None


def dicom_image(path: Path, window: Window | None, frame: int | None) -> Image:
    """Return a DICOM file's pixels, or one frame's, as they are meant to be seen.

    Modality transformation, then the window given or else the file's own (the first one), then MONOCHROME1
    turned round; palettes looked up, YCbCr made RGB.
    """
    dataset = _dataset(path)
    header = _header(dataset, frame)
    stored = _stored(path, dataset, header, frame or 0)
    if header.colours == "RGB":
        return stored.astype(np.uint8, copy=False)
    if header.kind == "float":
        image = by_rows(stored, lambda part: _through(part, dataset, frame, window))
    else:
        bits, signed = int(dataset.BitsStored), dataset.get("PixelRepresentation", 0) == 1
        # Unused high bits may hold an overlay; they are no part of the value.
        index = stored.view(f"u{stored.itemsize}") & ((1 << bits) - 1)
        numbers = np.arange(1 << bits, dtype=np.int32)
        if signed:
            numbers -= (numbers >> (bits - 1)) << bits
        if header.colours == "palette":
            palette: Image = _palette(dataset, numbers)[index]
            return palette
        image = _table(dataset, numbers, header, window, frame, index)[index]
    return 255 - image if dataset.PhotometricInterpretation == "MONOCHROME1" else image


def _stored(path: Path, dataset: Any, header: Header, frame: int) -> NDArray[Any]:
    from pydicom import dcmread  # noqa: PLC0415
    from pydicom.pixels import pixel_array  # noqa: PLC0415

    if header.colours == "RGB" and dataset.file_meta.TransferSyntaxUID in _JPEGS:
        _check_jpeg_colours(dataset, header, frame)
    # Given a file, pydicom reads the one frame; of a deflated one it finds none.
    deflated = dataset.file_meta.TransferSyntaxUID == _DEFLATED
    try:
        pixels: NDArray[Any] = pixel_array(dcmread(path) if deflated else path, index=frame)
    except RuntimeError as error:  # what pydicom raises when every decoder has failed
        raise Refusal(
            f"is damaged, or not supported by the installed decoders ({short(error)}): {_INSTALL}"
        ) from error
    if pixels.shape[:2] != (header.height, header.width):
        raise Damage(f"its pixels are of shape {pixels.shape}")
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _check_jpeg_colours(dataset: Any, header: Header, frame: int) -> None:
    """Refuse a JPEG whose own marks say other colours than the file around it: one of the two is wrong."""
    from pydicom.encaps import get_frame  # noqa: PLC0415

    data = get_frame(dataset.PixelData, frame, number_of_frames=header.pictures)
    ycc, said = jpeg_frame(io.BytesIO(data)).ycc, dataset.PhotometricInterpretation
    if ycc is not None and ycc != said.startswith("YBR"):
        raise Refusal(f"says {said}, and its JPEG data say {'YCbCr' if ycc else 'RGB'}: correct one of them")


def _palette(dataset: Any, numbers: NDArray[np.int32]) -> Image:
    from pydicom.pixels import apply_color_lut  # noqa: PLC0415

    if dataset.dir("AlphaPalette"):
        raise Refusal("has a palette with alpha: save it as RGB first")
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    if f"{names[0]}Data" in dataset:
        channels = (
            _looked_up(numbers, dataset[f"{name}Descriptor"].value, dataset[f"{name}Data"].value, dataset)
            for name in names
        )
        return palette_bytes(np.stack(list(channels), axis=-1).astype(np.uint16))
    size, first, _ = dataset[f"{names[0]}Descriptor"].value
    within = np.clip(numbers, first, first + (size or 1 << 16) - 1)
    colours: NDArray[np.uint16] = apply_color_lut(within, dataset)  # knows tables in segments
    return palette_bytes(colours)


def _modality(values: NDArray[Any], dataset: Any, frame: int | None) -> NDArray[np.float64]:
    item = _group(dataset, "PixelValueTransformationSequence", frame)
    if item.get("ModalityLUTSequence"):
        table = item.ModalityLUTSequence[0]
        return _looked_up(values, table.LUTDescriptor, table.LUTData, dataset)
    slope, shift = item.get("RescaleSlope"), item.get("RescaleIntercept")
    return values * float(1 if slope is None else slope) + float(shift or 0)


def _looked_up(values: NDArray[Any], descriptor: Any, data: Any, dataset: Any) -> NDArray[np.float64]:
    """Return what a table has for values; its ends for values beyond them.

    pydicom's own look-up of eight-bit tables counts their places in eight bits.
    """
    size, first, _ = descriptor
    if isinstance(data, bytes):
        size = size or 1 << 16
        order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, np.uint8 if len(data) <= size + 1 else f"{order}u2")
    entries = np.atleast_1d(np.asarray(data, np.float64))[: size or 1 << 16]
    places = np.floor(values + 0.5) - first
    found: NDArray[np.float64] = entries[np.clip(places, 0, len(entries) - 1).astype(np.int64)]
    return found


def _table(  # noqa: PLR0913, PLR0917
    dataset: Any,
    numbers: NDArray[np.int32],
    header: Header,
    window: Window | None,
    frame: int | None,
    index: NDArray[Any],
) -> Image:
    """Return the shade of each number that can be stored."""
    values = _modality(numbers, dataset, frame)

    def counts() -> NDArray[np.int64]:
        padding = dataset.get("PixelPaddingValue")
        found = tally(index, len(numbers))
        if padding is not None:
            found[numbers == padding] = 0
        return found

    if not header.deep and not header.windowed:
        return shades(values, 0, (1 << int(dataset.BitsStored)) - 1)
    if window is not None:
        return window.shades(values, counts)
    return _own_shades(values, _own_window(dataset, frame), dataset)


def _through(values: NDArray[np.float64], dataset: Any, frame: int | None, window: Window | None) -> Image:
    values = _modality(values, dataset, frame)
    if window is not None and window.limits is not None:
        return shades(values, *window.limits)
    return _own_shades(values, _own_window(dataset, frame), dataset)


def _own_shades(values: NDArray[np.float64], item: Any, dataset: Any) -> Image:
    """Return values as the file itself wants them shown (DICOM PS3.3 C.11.2)."""
    if item.get("VOILUTSequence"):
        table = item.VOILUTSequence[0]
        found = _looked_up(values, table.LUTDescriptor, table.LUTData, dataset)
        return shades(found, 0, (1 << int(table.LUTDescriptor[2])) - 1)
    centre, width = (float(np.atleast_1d(item[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
    kind = str(item.get("VOILUTFunction") or "LINEAR")
    if kind not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"} or not width > (kind == "LINEAR"):
        raise Refusal(f"has an invalid window of its own ({kind}, {width:g} wide): give a window")
    if kind == "SIGMOID":
        return shades(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))), 0, 1)
    if kind == "LINEAR":
        centre, width = centre - 0.5, width - 1
    return shades(values, centre - width / 2, centre + width / 2)
