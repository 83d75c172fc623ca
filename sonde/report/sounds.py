"""Recordings in a report, with a player: WAV files that are small enough to stand in the page itself."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOUND_BYTES = 60_000  # one recording: four seconds at 8 kHz
_WAV = b"RIFF"


def sound_of(folder: Path, entry: Mapping[str, Any]) -> str:
    """The recording of a case as an address that holds it; "" for none, for a large one, and for what is no WAV file.

    folder: evaluation/<split>, inside which the file must lie, since a copied folder may name any file
    """
    name = entry.get("sound")
    if not isinstance(name, str):
        return ""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > SOUND_BYTES:
        return ""
    content = path.read_bytes()
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}" if content.startswith(_WAV) else ""
