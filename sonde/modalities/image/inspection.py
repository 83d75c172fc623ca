"""What `sonde inspect` says of images: sizes, marked objects, and copies that were saved anew."""

import numpy as np

from sonde.core.findings import Finding
from sonde.core.units import count
from sonde.data.copies import Kind, copy_findings
from sonde.data.duplicates import same_groups
from sonde.data.feed.layout import pieces_of
from sonde.data.splits import targets_of
from sonde.modalities.image import near_duplicates as recoded
from sonde.modalities.inspect import InfoTable, Look, Parts

COMMON = 12  # sizes that are listed


def _copies(look: Look) -> list[Finding]:
    """Equal images, and those that were saved anew."""
    findings = copy_findings(same_groups(look.keys), Kind("exact", "images"), look.survey)
    if look.pictures is None:
        return findings
    look.tick("searching for re-encoded copies", 0, 0)
    first = np.array(sorted({key: place for place, key in reversed(list(enumerate(look.keys)))}.values()))
    for _, rows in look.survey.splits:
        if pieces := pieces_of(rows):
            pieces.keep()  # pairs stand anywhere

    def read(places: np.ndarray) -> np.ndarray:
        return np.concatenate([look.survey.read(int(first[place])) for place in places])

    again = [first[copies.places] for copies in recoded.find(look.pictures[first], read)]
    return findings + copy_findings(again, Kind("re-encoded", "images"), look.survey)


def _objects(look: Look) -> list[InfoTable]:
    """Objects of each class per split, and how large they are in the middle, where boxes mark them."""
    spec = look.dataset.schema.target
    if not spec.has_boxes:
        return []
    targets = {split: targets_of(rows).reshape(-1, 5) for split, rows in look.dataset.splits.items()}
    everything = np.concatenate(list(targets.values()))
    rows = []
    for place, name in enumerate(spec.names):
        counts = [count(int((target[:, 0] == place).sum())) for target in targets.values()]
        boxes = everything[everything[:, 0] == place]
        height, width = np.median(boxes[:, 3:] - boxes[:, 1:3], axis=0)[::-1] if len(boxes) else (0, 0)
        rows.append((name, *counts, f"{height:.0f}x{width:.0f}"))
    return [InfoTable("objects", ("class", *targets, "median size, stored pixels"), tuple(rows))]


def _sizes(look: Look) -> list[InfoTable]:
    """Sizes of image files, where the rows are files below the source."""
    source = look.path
    if source is None or not source.is_dir():
        return []
    from sonde.modalities.image.files import opened_image

    sizes: dict[str, int] = {}
    for rows in look.dataset.splits.values():
        for index in range(len(rows)):
            path = source / rows.describe(index)
            if not path.is_file():
                return []
            try:
                with opened_image(path) as image:
                    size = f"{image.height}x{image.width} {image.mode}"
            except OSError:
                size = "unreadable"
            sizes[size] = sizes.get(size, 0) + 1
    common = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    rows_shown = tuple((size, count(n)) for size, n in common[:COMMON])
    return [InfoTable(f"image sizes ({count(len(common))} kinds, height x width)", ("size", "images"), rows_shown)]


PARTS = Parts(look=lambda look: (_copies(look), [*_objects(look), *_sizes(look)]), thumbnails=recoded.small)
