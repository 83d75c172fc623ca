"""All kinds of data, each a record in its own folder: a line here is all that the rest of the house knows of it."""

from collections.abc import Iterator
from functools import cache

from sonde.core.catalogue import added, record_of_package, resolve
from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.modalities.modality import Form, Modality

GROUP = "sonde.modalities"  # of entry points, by which other packages bring kinds of data
MODALITIES = {
    "image": "sonde.modalities.image.modality:IMAGE",
    "video": "sonde.modalities.video.modality:VIDEO",
    "table": "sonde.modalities.table.modality:TABLE",
    "array": "sonde.modalities.arrays.modality:ARRAY",
    "tokens": "sonde.modalities.text.modality:TEXT",
    "text-pair": "sonde.modalities.text_pair.modality:TEXT_PAIR",
    "audio": "sonde.modalities.audio.modality:AUDIO",
    "series": "sonde.modalities.series.modality:SERIES",
    "molecule": "sonde.modalities.molecule.modality:MOLECULE",
    "protein": "sonde.modalities.protein.modality:PROTEIN",
    "environment": "sonde.modalities.environment.modality:ENVIRONMENT",
}


def names() -> list[str]:
    """Kinds of input there are."""
    return [*MODALITIES, *added(GROUP, MODALITIES)]


@cache  # a record stays as it is while a program runs
def modality(kind: str) -> Modality:
    """What is known about a kind of input. Raises: ConfigError with the nearest names when there is none"""
    if kind in added(GROUP, MODALITIES):
        return record_of_package(GROUP, MODALITIES, kind, kind=Modality, called="kind")
    return resolve("kind of data", kind, {**MODALITIES, **added(GROUP, MODALITIES)})


def modalities() -> Iterator[Modality]:
    """All of them."""
    return map(modality, names())


def embedded() -> dict[str, str]:
    """Name of data that come with a package -> "module:function" that reads them."""
    return {name: read for one in modalities() for name, read in one.embedded.items()}


def schemes() -> dict[str, str]:
    """What a name begins with, before a colon -> "module:function" that reads the rest."""
    return {name: read for one in modalities() for name, read in one.schemes.items()}


def forms() -> list[Form]:
    """All forms of data on disk, the surest first."""
    return sorted((form for one in modalities() for form in one.forms), key=lambda form: -form.sure)


def check_target(kind: str, holds: str, like: Schema | None) -> None:
    """Raises: DataError when a model was trained on another kind of target than that of data; `holds` says what those are."""
    if like is not None and like.target.kind != kind:
        raise DataError(f"{holds}; the model was trained on another kind of target")


def check_kind(kind: str, source: str, like: Schema | None) -> None:
    """Raises: DataError when data are of another kind than a model's."""
    if like is not None and kind != like.input.kind:
        raise DataError(
            f"{source} holds {modality(kind).noun}; the model was trained on {modality(like.input.kind).noun}"
        )
