"""Pictures and recordings that stand in the page itself, as far as they are small enough."""

import base64
import struct
from pathlib import Path
from typing import Any

PICTURE_BYTES = 60_000  # one picture
SOUND_BYTES = 60_000  # one recording: four seconds at 8 kHz
FILM_BYTES = 1_500_000  # one film: 20 seconds of a small one
# how such files begin
PNG, SVG, WAV, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"<?xml", b"RIFF", b"\xff\xd8\xff", b"GIF89a"
TYPES = {  # as images, SVGs run nothing
    PNG: "image/png",
    SVG: "image/svg+xml",
    WAV: "audio/wav",
    JPEG: "image/jpeg",
    GIF: "image/gif",
}
SHORTEST = 24  # bytes, without which not even a header is there


def picture_of(folder: Path, name: Any) -> bytes:
    """The bytes of a small PNG, JPEG, GIF or SVG inside `folder`; empty for anything else."""
    return _content(folder, name, (PNG, JPEG, GIF, SVG), most=PICTURE_BYTES)


def sound_of(folder: Path, name: Any) -> bytes:
    """The bytes of a small WAV file inside `folder`; empty for anything else."""
    return _content(folder, name, (WAV,), most=SOUND_BYTES)


def film_of(folder: Path, name: Any) -> str:
    """A small MP4 inside `folder` as an address that holds it; "" for anything else (ISO/IEC 14496-12, 4.3: its first box)."""
    content = _content(folder, name, (b"",), most=FILM_BYTES)
    return f"data:video/mp4;base64,{base64.b64encode(content).decode()}" if content[4:8] == b"ftyp" else ""


def data_uri(content: bytes) -> str:
    """Content of a file as an address that holds it; "" for none."""
    if not content:
        return ""
    kind = next(kind for start, kind in TYPES.items() if content.startswith(start))
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png_size(content: bytes) -> tuple[int, int]:
    """(width, height) from a PNG's header (PNG specification, 11.2.2)."""
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _content(folder: Path, name: Any, starts: tuple[bytes, ...], *, most: int) -> bytes:
    """The file must lie inside `folder`: what stands in a copied folder may name any."""
    if not isinstance(name, str):
        return b""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > most:
        return b""
    content = path.read_bytes()
    return content if content.startswith(starts) and len(content) > SHORTEST else b""
