"""`sonde predict RUN INPUT …`: predictions of a trained model for new files."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.cli.begin import begin, said_on, trained_run
from sonde.cli.contact_sheet import write_sheet
from sonde.cli.given_back import MAPS, PICTURED, check_given_back, has_pictures, write_arrays, write_given_back
from sonde.cli.outputs import OutputPlace, refuse_inputs
from sonde.cli.pictures import check_folder, is_folder, write_pictures
from sonde.core.errors import ConfigError, DataError, nearest
from sonde.core.files import plain, write_text
from sonde.core.run_lengths import encode
from sonde.core.units import count, number, share
from sonde.modalities.catalogue import modality

if TYPE_CHECKING:
    from sonde.run.run import Run

ABOUT = """\
Predict with the best checkpoint of RUN for each INPUT: files or folders of the kind it was trained on (images, tables, arrays).

examples:
  sonde predict runs/mnist-mlp-1 seven.png
  sonde predict runs/titanic-tabular-1 passengers.csv --out survivors.csv
  sonde predict runs/squad-qa-reader-1 "Who built it?" "It was built by Anna Weber in 1907."
  sonde predict runs/photos-resnet18-1 new/ --out sheet.png
  sonde predict runs/cells-detector-tiny-1 new/ --out found/
  sonde predict runs/sales-nlinear-1 sales.csv --paths 20 --out paths.csv
  sonde predict runs/mnist-autoencoder-cnn-1 new/ --what reconstruction --out given-back.png
"""
USUAL = "predictions"  # the name, before its ending, of a file that is written anew
MOST_ROWS = 50  # printed; --out gets all
RUNNERS_UP = 3
ACTION = "action"  # of a policy

Shorten = Mapping[str, Callable[[Any], Mapping[str, Any]]]
NOTHING: Shorten = {}


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Where predictions are written, and on which device they are computed."""

    out: str | None = None
    """Output file: .csv, .json, or .png for a contact sheet; or a folder for images with the predictions drawn on them.
    Of autoencoders also .npy; .png and folders hold reconstructions (of recordings WAV files), or where the errors lie. Earlier
    predictions in a folder, and files called predictions, are replaced, other files never."""
    what: str = ""
    """Of an autoencoder: latent (the code), reconstruction, or anomaly (how badly an input is given back, and where)."""
    paths: int = 0
    """Of diffusion-forecasting: how many sample paths of each series stand beside the quantiles in --out."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""


def run(words: Sequence[str]) -> int:
    """Predict, print a table, write a file. Raises: SondeError subclasses."""
    begun = begin(words, PredictOptions, usage="predict RUN INPUT …", about=ABOUT)
    if begun is None:
        return 0
    folder, *inputs = begun.words
    out = begun.options.out
    if out is not None:  # refused before anything is computed
        check_folder(Path(out)) if is_folder(out) else writer(Path(out))
    trained = trained_run(folder, begun.options.device, trust_code=begun.trust_code)
    if out is not None:
        _check_shown(out, trained, begun.options.what)
        refuse_inputs(Path(out), inputs)
    place = None if out is None else OutputPlace(Path(out), trained, folder=is_folder(out), usual=USUAL)
    with said_on(begun.screen):
        asked = inputs[0] if len(inputs) == 1 else inputs
        options = begun.options
        found = trained.predict(asked, what=options.what, paths=options.paths, tick=begun.screen.tick)
    before = 0 if out is None or place is None else _write(out, found, trained, place)  # first: who reads may leave off
    columns, rows = table(_without_paths(found[:MOST_ROWS], options.paths), shorten=trained.spec.shorten)
    begun.screen.table("", columns, rows)
    if len(found) > MOST_ROWS:
        hint = "" if out else "; --out FILE.csv writes all"
        begun.screen.say(f"… and {count(len(found) - MOST_ROWS)} more{hint}")
    for line in _beside(trained, options.what):
        begun.screen.say(line)
    if options.paths and out is None:
        begun.screen.say("the paths are not shown; --out FILE.csv writes them")
    if out is not None:
        earlier = f" (replaced {f'{count(before)} files' if is_folder(out) else 'the file'})" if before else ""
        begun.screen.say(f"wrote {out}{earlier}")
    return 0


def _beside(trained: "Run", what: str) -> Sequence[str]:
    """What the numbers are to be read beside, such as a threshold."""
    from sonde.core.seams import abilities_of

    abilities = abilities_of(trained.task)
    if abilities.acting is not None and abilities.acting.sampled:
        return [f"the likeliest actions; the run was evaluated by sampled ones, as sonde eval {trained.folder} does"]
    able = abilities.reconstruction
    said = None if able is None else able.beside.get(what)
    return [] if said is None else said()


def _without_paths(found: Sequence[Mapping[str, Any]], paths: int) -> Sequence[Mapping[str, Any]]:
    """The rows without their columns of paths, of which a screen has no room for many."""
    endings = tuple(f" path {place + 1}" for place in range(paths))
    return [{name: value for name, value in row.items() if not (paths and name.endswith(endings))} for row in found]


def _write(out: str, found: Sequence[Mapping[str, Any]], trained: "Run", place: OutputPlace) -> int:
    """Write a file, or a folder of pictures; how many earlier files they replace. Raises: DataError"""
    from sonde.core.seams import abilities_of

    try:
        before = place.clear()
        if has_pictures(found) and (is_folder(out) or Path(out).suffix.lower() == ".png"):
            write_given_back(Path(out), found, trained)
        elif is_folder(out):
            draw = abilities_of(trained.task).draw
            assert draw is not None
            write_pictures(Path(out), found, draw)
        else:
            writer(Path(out))(Path(out), found)
        place.mark()
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror or error}") from None
    return before


def _check_shown(out: str, trained: "Run", what: str) -> None:
    """Raises: ConfigError where pictures are requested and there is nothing to draw on, or to draw."""
    from sonde.core.seams import abilities_of

    check_given_back(Path(out), trained, what, folder=is_folder(out))
    if what in PICTURED:
        return
    if Path(out).suffix.lower() == ".png" and not trained.schema.input.has_planes:
        noun = modality(trained.schema.input.kind).noun
        raise ConfigError(
            f"--out {out}: a contact sheet shows images, and this run takes {noun} as input; use .csv or .json"
        )
    if Path(out).suffix.lower() == ".png" and not trained.spec.labels:
        raise ConfigError(f"--out {out}: this run learned image features, which cannot be drawn; use .csv or .json")
    if is_folder(out) and abilities_of(trained.task).draw is None:
        raise ConfigError(f"--out {out}: predictions of this run cannot be drawn on an image; use .csv or .json")


Writer = Callable[[Path, Sequence[Mapping[str, Any]]], None]


def writer(out: Path) -> Writer:
    """The function that writes predictions to a file of this kind. Raises: ConfigError before anything is computed."""
    known: dict[str, Writer] = {".csv": _write_csv, ".json": _write_json, ".png": write_sheet, ".npy": write_arrays}
    suffix = out.suffix.lower()
    if suffix not in known:
        near = nearest(suffix, known, count=1)
        hint = (
            f"did you mean {out.stem}{near[0]}?"
            if near
            else f"use a name ending in {', '.join(known)}, or in / for a folder"
        )
        raise ConfigError(f"--out {out} is not a supported output format; {hint}")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    return known[suffix]


def table(found: Sequence[Mapping[str, Any]], *, shorten: Shorten = NOTHING) -> tuple[list[str], list[list[str]]]:
    """Predictions as columns and rows of text for a person; of all classes only the next likely ones.

    shorten: outputs that have no room here -> what stands in their place (`sonde.tasks.spec.TaskSpec.shorten`)
    """
    shown = [_shortened(entry, shorten) for entry in found]
    columns = list(dict.fromkeys(name for entry in shown for name in entry))
    return columns, [[_cell(name, entry.get(name)) for name in columns] for entry in shown]


def _shortened(entry: Mapping[str, Any], shorten: Shorten) -> dict[str, Any]:
    """The same with "probabilities" (or "scores") cut to the runners-up, as text."""
    short: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, np.ndarray) or (
            isinstance(value, list) and any(isinstance(item, Mapping) for item in value)
        ):
            continue  # stated in words by the prediction
        if name in shorten:
            short |= shorten[name](value)
            continue
        if not isinstance(value, Mapping):
            short[name] = value
            continue
        called = entry.get("prediction")
        named = called if isinstance(called, list | tuple) else [called]
        others = {key: item for key, item in value.items() if key not in named}
        best = sorted(others, key=lambda key: -others[key])[:RUNNERS_UP]
        short["runners-up"] = ", ".join(f"{key} {_cell(name, others[key])}" for key in best)
    return short


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(_cell(name, item) for item in value)
    if isinstance(value, float):
        return share(value) if name in ("probability", "probabilities") else number(value, 4)
    return str(value)


def _write_csv(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """One row an input; each class has a column of its own, such as probabilities/cat, and each number of an action, such as
    action_0, as logs of transitions are read."""
    flat = [_flat(entry) for entry in found]
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, list(dict.fromkeys(name for entry in flat for name in entry)), lineterminator="\n")
    lines.writeheader()
    lines.writerows(flat)
    write_text(path, text.getvalue())


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, np.ndarray):
            continue  # a map of pixels, for which a table has no room
        if name == "reconstruction" and isinstance(value, Mapping) and not value.keys() & entry.keys():
            cells |= {str(key): plain(item) for key, item in value.items()}  # as a row of the data
        elif isinstance(value, Mapping):
            cells |= {f"{name}/{key}": plain(item) for key, item in value.items()}
        elif name == ACTION and isinstance(value, list | tuple):
            numbered = len(value) > 1
            cells |= {f"{name}_{place}" if numbered else name: plain(item) for place, item in enumerate(value)}
        else:
            cells[name] = (
                json.dumps(plain(value), ensure_ascii=False) if isinstance(value, list | tuple) else plain(value)
            )
    return cells


def _write_json(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """As Python gets it; maps of pixels as runs (sonde.core.run_lengths), those of autoencoders as lists."""
    entries = [
        {n: (v.tolist() if n in MAPS else encode(v)) if isinstance(v, np.ndarray) else v for n, v in entry.items()}
        for entry in found
    ]
    write_text(path, json.dumps(plain(entries), indent=2, ensure_ascii=False) + "\n")
