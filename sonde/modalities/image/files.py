"""One image file -> pixels: 8 bits, grey or RGB, upright, at the stored size."""

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sonde.core.errors import DataError, first_line
from sonde.core.progress import Tick, silent
from sonde.modalities.image.modality import FILES

SUFFIXES = frozenset(FILES)
LARGEST_STORED = 224  # default limit of the stored side: what ImageNet models are made for
UPRIGHT_SWAPS = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
ORIENTATION = 0x0112  # EXIF tag
GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
CLEAR_MODES = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
PAGED = frozenset({"TIFF", "GIF", "WEBP"})  # formats of which a file may hold several images
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands that such a file begins with
WHITE = (255, 255, 255, 255)
# what Pillow's readers raise for content that is not as it should be
BAD_CONTENT = (
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

Content = Path | bytes | Image.Image  # a file, a file's bytes, or an image that somebody else decoded


@dataclass(frozen=True)
class Header:
    """What an image file says of itself, upright."""

    height: int
    width: int
    channels: int  # 1 or 3, as it will be decoded
    deep: bool  # more than 8 bits a channel
    pages: int = 1  # or frames, of which the first is read
    orientation: int = 1  # EXIF: how it was turned to be upright
    clear: bool = False  # whether it says what shows through


def opened_image(content: Path | bytes) -> Image.Image:
    """A file, or its bytes, opened and not decoded; HEIC by pillow-heif, whatever the file's name.

    Raises: OSError for what is no image, and where pillow-heif is needed and absent
    """
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        head = content[:12] if isinstance(content, bytes) else _head(content)
        if head[4:8] != b"ftyp" or head[8:12] not in HEIF:
            raise
        try:
            import pillow_heif
        except ModuleNotFoundError:
            raise OSError("it is HEIC; to read such, pip install pillow-heif") from None
        pillow_heif.register_heif_opener()
        return Image.open(file)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def is_image(path: Path) -> bool:
    """Whether a file's name is that of an image that can be read; hidden files are not."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_header(content: Content, place: str) -> Header:
    """Size and colours without decoding.

    Raises: DataError naming `place`
    """
    try:
        if isinstance(content, Image.Image):
            return _header(content)
        with opened_image(content) as image:
            return _header(image)
    except BAD_CONTENT as error:
        raise unreadable(place, error) from None


def decode(content: Content, place: str, *, near: tuple[int, int] | None = None) -> Image.Image:
    """An upright image in mode L or RGB: alpha laid over white, palettes resolved, 16 bits scaled to 8.

    near: (height, width) it will be resized to: a much larger JPEG is then decoded at a fraction of its size
    Raises: DataError naming `place`
    """
    try:
        if isinstance(content, Image.Image):
            return decoded(upright(content), place)
        content = content.read_bytes() if isinstance(content, Path) else content
        with opened_image(content) as image:
            if image.format == "PNG":
                _check_png(content)
            if near is not None and image.format == "JPEG":
                longest = 2 * max(near)  # at least twice the target, so that the final resize still averages
                image.draft(image.mode, (longest, longest))
            image.load()
            return decoded(upright(image), place)
    except BAD_CONTENT as error:
        raise unreadable(place, error) from None


def deep_values(content: Content, place: str) -> np.ndarray | None:
    """(H, W) float32, upright, of an image of more than 8 bits; None for any other.

    Raises: DataError naming `place`, for values that are no numbers too
    """
    try:
        if isinstance(content, Image.Image):
            values = np.asarray(upright(content), np.float32) if content.mode in DEEP_MODES else None
        else:
            content = content.read_bytes() if isinstance(content, Path) else content
            with opened_image(content) as image:
                if image.mode not in DEEP_MODES:
                    return None
                if image.format == "PNG":
                    _check_png(content)
                image.load()
                values = np.asarray(upright(image), np.float32)
    except BAD_CONTENT as error:
        raise unreadable(place, error) from None
    if values is not None and not np.isfinite(values).all():
        raise DataError(f"{place} holds values that are not finite; replace them by numbers, or remove the image")
    return values


def pixels(image: Image.Image, shape: Sequence[int]) -> np.ndarray:
    """uint8 (channels, height, width): converted to 1 or 3 channels and resized (bilinear, antialiased) where needed."""
    channels, height, width = shape
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    array = np.asarray(image)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def read_pixels(content: Content, place: str, shape: tuple[int, int, int], full: float = 0.0) -> np.ndarray:
    """An image as it is stored: uint8 of `shape` (channels, height, width), or float32 with `full` as 1.

    Raises: DataError naming `place`
    """
    if full:
        values = deep_values(content, place)
        return (
            pixels(decode(content, place), shape) / np.float32(255) if values is None else fitted(values / full, shape)
        )
    return pixels(decode(content, place, near=shape[1:]), shape)


def fitted(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """One plane at the stored size: (H, W) float32 -> `shape` (channels, height, width), every channel the same."""
    channels, height, width = shape
    if values.shape != (height, width):
        values = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))
    return np.broadcast_to(values, (channels, height, width))


def stored_size(
    sizes: Sequence[tuple[int, int]], requested: int | None, *, largest: int = LARGEST_STORED
) -> tuple[int, int, str]:
    """(height, width, why) at which images of these (height, width) are stored: given, common to all, or the median.

    The longer side is at most `largest` unless a size is given.
    """
    if requested is not None:
        return requested, requested, "--image-size"
    heights, widths = np.array(sizes).T
    height, width = int(np.median(heights)), int(np.median(widths))
    same = bool((heights == height).all() and (widths == width).all())
    span = f"{heights.min()}x{widths.min()} to {heights.max()}x{widths.max()}"
    why = "their common size" if same else f"the median size of {span}"
    longest = max(height, width)
    if longest > largest:
        factor = largest / longest
        height, width = max(1, round(height * factor)), max(1, round(width * factor))
        why += f", limited to {largest} (--image-size changes the size)"
    elif not same:
        why += "; aspect ratios are not kept (--image-size changes the size)"
    return height, width, why


def convert_all(array: np.ndarray, shape: Sequence[int], *, tick: Tick = silent) -> np.ndarray:
    """Images (n, channels, height, width) of uint8 at another size and with 1 or 3 channels; of float32 with their own.

    Raises: DataError for channels that are neither grey nor RGB(A)
    """
    if array.dtype != np.uint8 and array.shape[1] == shape[0]:
        planes = array.reshape(-1, *array.shape[2:])
        return np.stack([fitted(plane, (1, *shape[1:]))[0] for plane in planes]).reshape(len(array), *shape)
    if array.shape[1] not in (1, 3, 4) or array.dtype != np.uint8:
        raise DataError(f"images with {array.shape[1]} channels cannot be resized; leave --image-size out")
    out = np.empty((len(array), *shape), np.uint8)
    for row, planes in enumerate(array):
        image = Image.fromarray(np.ascontiguousarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)))
        out[row] = pixels(decoded(image, f"row {row}"), shape)
        if row % 1000 == 0:
            tick("resizing images", row, len(array))
    return out


def upright(image: Image.Image) -> Image.Image:
    """As the EXIF orientation says; `exif_transpose` alone would copy every image that needs nothing."""
    return image if _orientation(image) == 1 else ImageOps.exif_transpose(image)


def decoded(image: Image.Image, place: str) -> Image.Image:
    """Any of Pillow's modes as L or RGB."""
    if image.mode in ("L", "RGB"):
        return image if "transparency" not in image.info else _over_white(image)
    if image.mode in DEEP_MODES:
        return _from_deep(np.asarray(image), place)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in CLEAR_MODES or "transparency" in image.info:
        return _over_white(image)
    return image.convert("RGB")  # P, CMYK, YCbCr, LAB, HSV, RGBX


def _over_white(image: Image.Image) -> Image.Image:
    """Transparent pixels show a white page, as in a viewer."""
    clear = image.convert("RGBA")
    page = Image.new("RGBA", clear.size, WHITE)
    page.alpha_composite(clear)
    return page.convert("L" if image.mode in ("L", "LA", "La") else "RGB")


def _from_deep(array: np.ndarray, place: str) -> Image.Image:
    """16-bit grey values scaled to 8; float ones too where they lie in 0..1 or 0..255."""
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        if not (low >= 0 and high <= 255):
            raise DataError(f"{place} holds values from {low:g} to {high:g}; save it with 8 or 16 bits")
        scaled = array * (255 if high <= 1 else 1)
    elif low >= 0 and high <= 65535:
        scaled = array.astype(np.float64) / 257
    else:
        raise DataError(f"{place} holds values from {low:g} to {high:g}; save it with 8 or 16 bits")
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _header(image: Image.Image) -> Header:
    width, height = image.size
    orientation = _orientation(image)
    if orientation in UPRIGHT_SWAPS:
        width, height = height, width
    pages = getattr(image, "n_frames", 1) if image.format in PAGED else 1
    channels = 1 if image.mode in GREY_MODES else 3
    clear = image.mode in CLEAR_MODES or "transparency" in image.info
    return Header(height, width, channels, image.mode in DEEP_MODES, pages, orientation, clear)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation from what the header gave; `getexif` of a PNG without one would decode it whole."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ORIENTATION, 1))


def _check_png(content: bytes) -> None:
    """Pillow reads pixel chunks without looking at their checksums: about 1 changed file in 100 would pass as other pixels.

    Raises: SyntaxError
    """
    view, at = memoryview(content), 8  # past the signature
    while at + 12 <= len(view):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")  # length, name, data, checksum
        name = bytes(view[at + 4 : at + 8])
        if name == b"IEND":
            return
        if name == b"IDAT" and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise SyntaxError("broken PNG file: corrupt pixel data")
        at = end
    raise SyntaxError("broken PNG file: truncated")


def unreadable(place: str, error: Exception) -> DataError:
    """The error for an image that a reader failed on."""
    if isinstance(error, DataError):
        return error
    what = "unknown image format" if "cannot identify image file" in str(error) else first_line(error)
    return DataError(
        f"{place} cannot be read as an image ({what}); replace or remove it; training skips such images with "
        "--skip-unreadable"
    )
