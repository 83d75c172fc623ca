"""Tables that name images and say something of each: a label, several, values, or boxes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path, PurePosixPath

from sonde.core.errors import DataError
from sonde.data.listing import Listing, is_file_named
from sonde.modalities.image.annotations.annotated import split_of
from sonde.modalities.image.modality import FILES
from sonde.modalities.image.name_index import NameIndex, parts_of
from sonde.modalities.table.modality import FILES as TABLES
from sonde.modalities.table.read import Table, head_of, table_suffix

NAMES = (
    "file_name",
    "filename",
    "file",
    "image",
    "image_path",
    "path",
    "filepath",
    "image_id",
    "imageid",
    "img",
    "id",
    "name",
)
NAMES += (
    "image_name",
    "img_name",
    "image index",
    "id_code",
    "img_path",
    "file_path",
    "images",
    "fname",
    "picture",
    "photo",
)
CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
SUBMISSION = re.compile("submission", re.IGNORECASE)  # Kaggle's example of an answer: its labels are no truth
REGION = re.compile(r"\[?\{.*\b(x|points|all_points_x|cx)\b.*\}\]?\s*$", re.DOTALL)
LOOKED_AT = 12  # rows of a table whose images are looked for
FOLDERS = 200  # folders beside a table where its images are looked for
TRIED = (".jpg", ".png", ".jpeg", ".tif", ".bmp", ".webp")  # endings tried for a name without one


@dataclass(frozen=True, kw_only=True)
class NamingTable:
    """A table, the column that names images, and the split that its own or its folder's name tells; "" for none."""

    path: Path
    head: Table
    column: str
    split: str


@dataclass(frozen=True)
class Named:
    """All such tables of a place, and the images below it. root: what names of images are relative to"""

    root: Listing
    tables: Sequence[NamingTable]
    index: NameIndex

    @cached_property
    def by_split(self) -> dict[str, NamingTable]:
        """Split -> its table. Raises: DataError for two tables of a split"""
        known = [table for table in self.tables if table.split] if self._has_train else list(self.tables)
        found: dict[str, NamingTable] = {}
        for table in known:
            split = table.split or "train"
            if split in found:
                which = f" of the {split} split" if table.split else ""
                raise DataError(
                    f"{found[split].path} and {table.path.name} both name images{which}; give the one to train on: sonde train "
                    f"{found[split].path}"
                )
            found[split] = table
        if "train" in found or len(found) != 1 or self._class_folders_to_train_on:
            return found if "train" in found else {}
        return {"train": next(iter(found.values()))}

    def nearest(self, cell: str, naming: NamingTable, split: str) -> list[str]:
        """The image that a table's cell names; several, where neither its own path nor the table's split says which."""
        known = self.index.find(cell) if cell else []
        return known if len(known) < 2 else _nearer(known, naming, self.root.path, split) or known

    @property
    def _class_folders_to_train_on(self) -> bool:
        """Whether a folder is named for training and holds folders, so that a table of another split is not trained on."""
        return any(split_of(folder.name) == "train" and len(folder.folders) > 1 for folder in self.root.folders)

    @property
    def _has_train(self) -> bool:
        return any(table.split == "train" for table in self.tables)


def naming_tables(listing: Listing) -> Named | None:
    """The tables at a path that name images which are there; None where there are none."""
    return listing.once(_look, listing.path, listing)


def box_columns(table: Table) -> tuple[str, ...]:
    """The columns of the four corners of a box, left, top, right, bottom; () where a table has none."""
    lower = {name.lower(): name for name in table.columns}
    return next((tuple(lower[side] for side in sides) for sides in CORNERS if lower.keys() >= set(sides)), ())


def holds_regions(table: Table) -> bool:
    """Whether cells of a table hold shapes as JSON, as annotation programs write them."""
    return any(REGION.match(cell) for column in table.columns for cell in cells_of(table, column)[:LOOKED_AT])


def cells_of(table: Table, column: str) -> list[str]:
    """The cells of a column as text, "" where they are missing."""
    try:
        cells = table.columns[column].to_pylist()
    except (OverflowError, ValueError) as error:  # dates of no calendar, in a damaged Parquet file
        raise DataError(f"{table.name}: column {column!r} cannot be read ({error}); write it again") from None
    return ["" if cell is None else str(cell).strip() for cell in cells]


def _look(path: Path, listing: Listing) -> Named | None:
    if listing.is_file:
        return _of_file(listing)
    files = [file for folder in (listing, *listing.folders) for file in folder.ending(*TABLES)]
    files = [file for file in files if table_suffix(file) and not SUBMISSION.search(file.stem)]
    if not files or len(listing.folders) > FOLDERS:
        return None
    index = NameIndex(listing.below_ending(FILES))
    found = [named for file in files if (named := _naming(file, index, listing.path))]
    return Named(listing, found, index) if found else None


def _of_file(listing: Listing) -> Named | None:
    """Of a table that is given by itself, whose images are below its folder, or below the folder above."""
    path = listing.path
    if not table_suffix(path) or (head := _head(path)) is None:
        return None
    wanted = [cell for column in _candidates(head) for cell in cells_of(head, column)[:LOOKED_AT] if cell]
    ending = [cell for cell in wanted if _ends(cell)]  # names without one may be any numbers or words
    for root, depth, cells in ((path.parent, 2, wanted), (path.parent.parent, 1, ending)):
        if cells and _any_there(Listing(root), cells, depth):
            place = Listing(root)
            index = NameIndex(place.below_ending(FILES))
            named = _naming(path, index, path.parent)
            return Named(place, [named], index) if named else None
    return None


def _naming(file: Path, index: NameIndex, root: Path) -> NamingTable | None:
    head = _head(file)
    column = None if head is None else _image_column(head, index)
    if head is None or column is None:
        return None
    within = [split for part in file.relative_to(root).parts[:-1] if (split := split_of(part))]
    return NamingTable(path=file, head=head, column=column, split=split_of(file.stem) or (within[0] if within else ""))


def _head(file: Path) -> Table | None:
    try:
        return head_of(file)
    except DataError:
        return None  # what is wrong with it is said where it is read as a table


def _candidates(head: Table) -> list[str]:
    """Columns that may name images, the likeliest first: names that end as images do, called so, or the first of words."""
    called = sorted((c for c in head.columns if c.lower() in NAMES), key=lambda c: NAMES.index(c.lower()))
    ending = [c for c in head.columns if any(_ends(cell) for cell in cells_of(head, c)[:LOOKED_AT])]
    first = [
        c
        for c in list(head.columns)[:1]
        if any(re.search(r"[^\d.,+-]", cell) for cell in cells_of(head, c)[:LOOKED_AT])
    ]
    return list(dict.fromkeys([*ending, *called, *first]))


def _ends(cell: str) -> bool:
    return PurePosixPath(cell).suffix.lower() in FILES


def _image_column(head: Table, index: NameIndex) -> str | None:
    """The column most of whose cells name an image that is there."""
    for column in _candidates(head):
        cells = [cell for cell in cells_of(head, column) if cell][:LOOKED_AT]
        if cells and 2 * sum(bool(index.find(cell)) for cell in cells) > len(cells):
            return column
    return None


def _any_there(root: Listing, cells: Sequence[str], depth: int) -> bool:
    """Whether one of some images stands below a folder, which is not walked as a whole for it."""
    folders = list(_folders(root, depth))[:FOLDERS]
    for cell, folder in product(dict.fromkeys(cells[: 2 * LOOKED_AT]), folders):
        last = (parts_of(cell) or [""])[-1]
        endings = ("",) if _ends(last) else TRIED
        if any(is_file_named(folder / f"{name}{end}") for name in {last, cell} if name for end in endings):
            return True
    return False


def _folders(root: Listing, depth: int) -> Iterator[Path]:
    yield root.path
    try:
        below = root.folders if depth else []
    except (OSError, DataError):  # not to be listed, or with a pipe or socket in it: none of ours
        return
    for folder in below[:FOLDERS]:
        yield from _folders(folder, depth - 1)


def _nearer(names: Sequence[str], naming: NamingTable, root: Path, split: str) -> list[str]:
    """Of several images, those in the table's own folder, or in a folder of the split; none where that does not tell one."""
    folder = naming.path.parent
    if folder != root and folder.is_relative_to(root):
        within = [name for name in names if (root / name).is_relative_to(folder)]
        if len(within) == 1:
            return within
    of = {
        name: next((s for part in Path(name).parts[:-1] if (s := split_of(re.sub("[_-]", " ", part)))), "")
        for name in names
    }
    for wanted in (split, ""):
        within = [name for name in names if of[name] == wanted]
        if len(within) == 1:
            return within
    return []


def split_column(columns: Mapping[str, object] | Sequence[str]) -> str | None:
    """The column that tells a row's split, by its name."""
    return next((c for c in columns if c.lower() in ("split", "subset", "set", "partition", "is_valid")), None)
