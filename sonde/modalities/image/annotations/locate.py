"""Where an image is that an annotation names: as written, or by the tail of a path from another place or system."""

import os
from functools import cached_property
from pathlib import Path

from sonde.core.errors import DataError
from sonde.data.listing import Listing, is_file_named
from sonde.modalities.image.modality import FILES
from sonde.modalities.image.name_index import NameIndex


class Locator:
    """Finds images below a folder, which is walked only where a name is not there as it is written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(Listing(self.root).below_ending(FILES))

    def find(self, folder: Path, name: object) -> Path:
        """The image that a name means: relative to a folder, else the only one that shares most of its path's end.

        Where there is none, or several, what was written, which is not there then.

        Raises: DataError for what is no text, as JSON may hold it
        """
        if not isinstance(name, str):
            raise DataError(
                f"annotations in {folder} name an image {str(name)[:40]!r}, which is not text; fix or remove it"
            )
        written = folder / name.strip().replace("\\", "/")
        if ".." in written.parts:  # one name for one file, however it is written
            written = Path(os.path.normpath(written))
        if is_file_named(written):
            return written
        found = self._index.find(name)
        return self.root / found[0] if len(found) == 1 else written
