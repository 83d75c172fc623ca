"""How samples of a run that makes inputs became while it trained: a picture, or rows of a table, now and then, of the same noise.

They lie in samples/validation/ while it trains, and in evaluation/ afterwards: became.json and became/<step>.png.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.core.damaged import DAMAGE
from sonde.core.files import read_json, write_json
from sonde.core.records import EvaluationRecord
from sonde.core.run_folder import RunFolder
from sonde.core.seams import abilities_of
from sonde.run.build import Assembly
from sonde.run.sampling import Wanted, drawn, made_of, plain

NAME = "became"  # of the file and the folder of pictures
NUMBER = 10  # samples of a picture
ROWS = 3  # of a table
STEPS = 8  # of the sampler, at most: few, for a glance
PASSES = 2  # of the network in a step, of a sampler of second order
ALONE = 3.0  # times as long takes a row of a batch so small, at most, as one of an evaluation's
MOST = 12  # pictures; of more those are left out whose neighbours are nearest to one another


def cost(assembly: Assembly, record: EvaluationRecord, rows: int) -> float:
    """Seconds that a picture may take, by what an evaluation of so many rows took: that asks the network once for each."""
    generation = abilities_of(assembly.task).generation
    passes = PASSES * min(STEPS, generation.steps) if generation is not None else 0
    return ALONE * NUMBER * max(1, passes) * record.seconds / max(1, rows)


def shows(assembly: Assembly) -> bool:
    """Whether there is a picture of what the task makes."""
    if abilities_of(assembly.task).generation is None or assembly.dataset is None:
        return False
    made = made_of(assembly.dataset.schema)
    return made is not None and (made.strip is not None or made.as_text is not None)


def add(folder: RunFolder, place: Path, assembly: Assembly, record: EvaluationRecord) -> Mapping[str, Any]:
    """Draw and write a picture into samples/validation, by the weights as they are now. place: that folder

    Returns: what became.json is to hold
    """
    generation, dataset = abilities_of(assembly.task).generation, assembly.dataset
    assert generation is not None
    assert dataset is not None
    made = made_of(dataset.schema)
    assert made is not None
    earlier = [each for each in _earlier(folder, place) if int(each["step"]) < record.step]
    (place / NAME).mkdir(parents=True, exist_ok=True)
    wanted = Wanted(number=ROWS if made.strip is None else NUMBER, steps=min(STEPS, generation.steps))
    found = drawn(assembly.task, dataset.schema, wanted, assembly.device, trains=True)
    entry: dict[str, Any] = {"step": record.step, "epoch": record.epoch}
    if made.strip is None:
        assert made.as_text is not None
        columns, rows = made.as_text(plain(found, dataset.schema))
        entries = thinned([*(each for each in earlier if "rows" in each), {**entry, "rows": rows}])
        return {"number": ROWS, "steps": wanted.steps, "names": columns, "pictures": entries}
    picture = made.strip(found.values, dataset.schema, place / NAME / str(record.step))
    entries = thinned([*earlier, {**entry, "picture": f"{NAME}/{picture.name}"}])
    names = {Path(each["picture"]).name for each in entries}
    for file in (place / NAME).iterdir():
        if file.name not in names:
            file.unlink()
    names = dataset.schema.target.names
    classes = {} if found.labels is None else {"classes": [names[place] for place in found.labels.tolist()]}
    return {"number": NUMBER, "steps": wanted.steps, **classes, "pictures": entries}


def thinned(entries: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """At most MOST of them, the first and the last among them, about as far apart in steps.

    >>> [each["step"] for each in thinned([{"step": step} for step in (*range(10, 130, 10), 125)])]
    [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 125]
    """
    kept = list(entries)
    while len(kept) > MOST:
        gaps = {place: kept[place + 1]["step"] - kept[place - 1]["step"] for place in range(1, len(kept) - 1)}
        del kept[min(gaps, key=lambda place: (gaps[place], place))]
    return kept


def keep(folder: RunFolder) -> None:
    """Move what there is of a run that has ended to where its evaluation lies."""
    place = folder.samples / "validation"
    entries = _read(place)
    if not entries:
        return
    shutil.rmtree(folder.evaluation / NAME, ignore_errors=True)
    (folder.evaluation / NAME).mkdir(parents=True)
    for each in entries:
        if "rows" in each:
            continue
        name = Path(each["picture"]).name
        shutil.copyfile(place / NAME / name, folder.evaluation / NAME / name)
    write_json(folder.evaluation / f"{NAME}.json", read_json(place / f"{NAME}.json"))


def _earlier(folder: RunFolder, place: Path) -> Sequence[Mapping[str, Any]]:
    """Entries of this training, also of one that had ended and goes on."""
    if entries := _read(place):
        return entries
    entries = _read(folder.evaluation)
    if entries:
        shutil.copytree(folder.evaluation / NAME, place / NAME, dirs_exist_ok=True)  # of rows an empty folder
    return entries


def _read(place: Path) -> Sequence[Mapping[str, Any]]:
    """Those of which the picture, or the rows, are there; none of a file that is torn."""
    try:
        entries = read_json(place / f"{NAME}.json")["pictures"]
        return [
            each
            for each in entries
            if int(each["step"]) >= 0 and ("rows" in each or (place / NAME / Path(each["picture"]).name).is_file())
        ]
    except (OSError, *DAMAGE):
        return []
