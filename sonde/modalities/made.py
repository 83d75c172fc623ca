"""What a kind of data does with inputs that a model has made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.core.dataset import Rows, Schema
from sonde.core.run_folder import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Made:
    """Functions for samples of a kind.

    plain:   (samples (N, *shape) as the network makes them, the schema) -> the same on the data's own scale
    endings: of files that `write` knows; "/" for a folder of one file each
    write:   (path, what `plain` gave, the class of each or None, the schema) -> the file or folder that was written
    picture: (samples as the network makes them, the schema, a path without ending) -> a picture of them for a report
    stills:  the same, where `picture` moves: one that stands still
    strip:   the same in one row, for pictures below one another
    texts:   (samples as the network makes them, the schema) -> what a report shows instead of a picture
    reported: samples in a report
    printed: what `plain` gave -> what a terminal shows where nobody says where samples go; None where they go into a file then
    gaps:    (an input written with gaps, the schema) -> it as the network is fed, (1, *shape), and 1 where it is kept
    cards:   (what `plain` gave, folder, stem) -> for a report, of the first few each: names of files that it wrote to
             folder/stem, "picture" and "sound"; where those stand for `picture`
    joined:  several of what `plain` gave -> one;  chosen: (what `plain` gave, numbers of rows) -> these
    vectors: (what `plain` gave, the schema) -> (N, D) in which rows are near to one another or not; None where samples are
             not measured;  space: what D are, in words
    to_judge: as `plain`, with something in place of what samples leave out and a judge may have learned from; None for `plain`
    labelled: (what `plain` gave, with classes; a judge's schema, its folder) -> rows for that judge; None where none of the
             columns is what it answers for
    compared: (what `plain` gave, with classes; the same of real rows) -> what a report shows of both (`table/compared`)
    columns: (what `plain` gave, with classes; the same of real rows) -> name of a column -> (its values in the first (M,), in
             the second (N,), whether they are codes without an order), gaps NaN: for what needs no judge (`run/made_columns`)
    as_text: some inputs as `plain` gives them -> (names of columns, a few of them as text); None where a picture shows more
    pairs:   (some inputs as `plain` gives them, as many others, a path without ending) -> a picture of each beside its other
    with_classes: (what `plain` gave, the class of each, the schema) -> the same with these; None where they stand apart
    rows:    what `plain` gave, with classes or without -> a dict by column for each; None where a sample has no columns
    own_types: (what `plain` gave, with classes; the schema) -> the same in the types of what was trained on, for Python
    by_share: whether samples for which no class is named have those of the training rows, as often; else all in turn
    in_time:  whether what `plain` gave are clips (N, T, H, W) or (N, T, H, W, C), whose motion can be measured
    notes:    the schema -> what of the data is not made, a line each
    """

    plain: Callable[["Tensor", Schema], Any]
    endings: tuple[str, ...]
    write: Callable[[Path, Any, Sequence[str] | None, Schema], None]
    picture: Callable[["Tensor", Schema, Path], Path] | None = None
    stills: Callable[["Tensor", Schema, Path], Path] | None = None
    texts: Callable[["Tensor", Schema], Sequence[str]] | None = None
    reported: int = 60
    printed: Callable[[Any], str] | None = None
    gaps: "Callable[[str, Schema], tuple[Tensor, Tensor]] | None" = None
    cards: Callable[[Any, Path, str], Sequence[Mapping[str, str]]] | None = None
    strip: Callable[["Tensor", Schema, Path], Path] | None = None
    joined: Callable[[Sequence[Any]], Any]
    chosen: Callable[[Any, "np.ndarray"], Any]
    vectors: Callable[[Any, Schema], "Tensor"] | None = None
    space: str = ""
    to_judge: Callable[["Tensor", Schema], Any] | None = None
    labelled: Callable[[Any, Schema, RunFolder], Rows | None] | None = None
    compared: Callable[[Any, Any], dict[str, Any]] | None = None
    columns: "Callable[[Any, Any], Mapping[str, tuple[np.ndarray, np.ndarray, bool]]] | None" = None
    as_text: Callable[[Any], tuple[Sequence[str], Sequence[Sequence[str]]]] | None = None
    pairs: Callable[[Any, Any, Path], Path] | None = None
    with_classes: Callable[[Any, Sequence[str], Schema], Any] | None = None
    rows: Callable[[Any], Sequence[Mapping[str, Any]]] | None = None
    own_types: Callable[[Any, Schema], Any] | None = None
    by_share: bool = False
    in_time: bool = False
    notes: Callable[[Schema], Sequence[str]] | None = None
