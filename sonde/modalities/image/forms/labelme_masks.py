"""LabelMe's JSON read for its outlines: every pixel gets the class of the object it shows. Reached by --task segmentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.dataset import BACKGROUND, Dataset, Schema
from sonde.core.errors import DataError
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.modalities.catalogue import check_kind
from sonde.modalities.image.annotations.annotated import size_in
from sonde.modalities.image.annotations.exported import by_folder, json_of, written_by
from sonde.modalities.image.annotations.labelme import PROGRAM, files_of, outlines_in
from sonde.modalities.image.annotations.locate import Locator
from sonde.modalities.image.masked import Masked, assemble_masks
from sonde.modalities.image.outlines import Outlines, Shape
from sonde.modalities.image.rows import Files
from sonde.modalities.modality import Wanted


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a file says. size: (height, width);  shapes: (class, polygons)"""

    file: Path
    image: Path
    size: tuple[int, int]
    shapes: Sequence[tuple[str, list[list[float]]]]


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds LabelMe's JSON files, None if it does not."""
    files = files_of(listing)
    return f"{len(files):,} JSON files with outlines by {PROGRAM}" if files else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Images decoded and outlines drawn as they are read; class 0 is what no shape covers.

    Raises: DataError for files that are not as LabelMe writes them, and a class that the model does not know
    """
    path = listing.path
    check_kind("image", str(path), like)
    files = files_of(listing)
    root = path if listing.is_dir else path.parent
    locator = Locator(root)
    splits = {
        split: [_drawn(file, locator) for file in members] for split, members in by_folder(listing, files).items()
    }
    found = in_natural_order({name for part in splits.values() for one in part for name, _ in one.shapes})
    names = [BACKGROUND, *found] if like is None else list(like.target.names)
    strange = next((name for name in found if name not in names), None)
    if strange is not None:
        raise DataError(
            f"{path} has a class {strange!r} that the model was not trained on; there are {', '.join(names[1:9])}"
        )
    images = [one.image for part in splits.values() for one in part if one.image.is_file()]
    about = About.at(listing, form=f"{PROGRAM} JSON", why=f"{len(files):,} files", files=[*files, *images], root=root)
    parts = {split: _masked(part, names, root) for split, part in splits.items()}
    return assemble_masks(parts, names, about, config, with_objects=True, tick=tick, like=like)


def _drawn(file: Path, locator: Locator) -> Drawn:
    content = json_of(file)
    with written_by(PROGRAM, file.name):
        height, width = size_in(content, "imageHeight", "imageWidth")
        if not height:
            raise DataError(f"{file} has no imageHeight and imageWidth; save it again with LabelMe")
        image = locator.find(file.parent, content["imagePath"])
        return Drawn(file=file, image=image, size=(int(height), int(width)), shapes=outlines_in(content))


def _masked(part: Sequence[Drawn], names: Sequence[str], root: Path) -> Masked:
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(names)}
    shapes = tuple(
        tuple(
            Shape(number=numbers[name], form=form, crowd=False, place=f"{one.file.name} shape {row}")
            for row, (name, form) in enumerate(one.shapes, start=1)
        )
        for one in part
    )
    images = Files(root, tuple(Path(relpath(one.image, root)).as_posix() for one in part))
    return Masked(
        images=images, masks=Outlines(tuple(one.size for one in part), shapes, tuple(one.file.name for one in part))
    )
