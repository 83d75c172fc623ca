"""A few of the network's answers while it trains: texts that it writes, pictures that it restores, inputs that it makes, rows
that it answers.

They are written after evaluations, as seldom as a hundredth of the training's time allows. Nothing that is learned changes:
random streams, modes and the task's own state are put back, and the rows are read once.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.errors import NonFinite, first_line
from sonde.core.files import write_json
from sonde.core.findings import Finding
from sonde.core.records import EvaluationRecord, Record
from sonde.core.run_folder import RunFolder
from sonde.core.seams import abilities_of, extras_of
from sonde.engine import random_state
from sonde.engine.evaluate import WithoutGradients, checked_meter, evaluation_mode
from sonde.engine.execution.settings import autocast
from sonde.engine.tree import copied
from sonde.run import became
from sonde.run.build import Assembly
from sonde.run.evaluation import CASES, few_rows, with_pictures, write_reconstructions
from sonde.run.job import Attempt
from sonde.run.telling import tell
from sonde.tasks.table import names, spec

SHARE = 0.01  # of the training's time at most
FIRST_S = 0.1  # that the first ones must have; later ones as much as those before took
WRITING_S = 2.0  # that the network's own text may take at most
SPLIT = "validation"


class Samples:
    """An observer that writes samples/ after evaluations.

    tell:  is called once with what went wrong, after which there are no more
    makes: whether the task makes inputs, of which a picture is shown;  rows: that an evaluation reads
    """

    def __init__(
        self,
        folder: Path,
        assembly: Assembly,
        *,
        tell: Callable[[Finding], None],
        makes: bool = False,
        rows: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._assembly, self._tell, self._clock = folder, assembly, tell, clock
        self._begun, self._spent, self._needed = clock(), 0.0, FIRST_S
        self._batch: Batch | None = None
        self._broken = False
        self._makes, self._rows = makes, rows

    def __call__(self, record: Record) -> None:
        if not isinstance(record, EvaluationRecord) or self._broken:
            return
        began = self._clock()
        if not self._spent and self._makes:
            self._needed = max(FIRST_S, became.cost(self._assembly, record, self._rows))
        room = SHARE * (began - self._begun) - self._spent
        if room < self._needed:
            return
        try:
            self._write(record, room)
        except Exception as trouble:  # what is shown meanwhile is no reason to lose a training
            self._broken = True
            self._tell(_note(trouble))
        took = self._clock() - began
        self._spent += took
        self._needed = max(FIRST_S, took)

    def _write(self, record: EvaluationRecord, room: float) -> None:
        assembly, place = self._assembly, self._folder / SPLIT
        task, able = assembly.task, abilities_of(assembly.task)
        place.mkdir(parents=True, exist_ok=True)
        kept = copied(extras_of(task).state_dict())
        try:
            with random_state.apart(assembly.device), evaluation_mode(task.modules, assembly.average), torch.no_grad():
                if able.samples is not None and assembly.dataset is not None:
                    context = assembly.dataset.schema.input.shape[0]
                    found: Mapping[str, Any] = {"written": able.samples(context, min(room, WRITING_S))}
                elif self._makes:
                    found = {became.NAME: became.add(RunFolder(self._folder.parent), place, assembly, record)}
                else:
                    found = self._answers(place)
        finally:
            extras_of(task).load_state_dict(kept)
        for stem, content in found.items():
            write_json(place / f"{stem}.json", content)
        about = {"step": record.step, "epoch": record.epoch, "split": SPLIT, "files": list(found)}
        write_json(self._folder / "about.json", about)  # last: by it a page knows that there is something new

    def _answers(self, place: Path) -> Mapping[str, Any]:
        """What the report shows of rows, of a few of them: file stem -> content."""
        assembly, source = self._assembly, self._assembly.evaluation_sources[SPLIT]
        task = assembly.task
        if self._batch is None:
            self._batch = few_rows(source)
        batch = self._batch
        if batch is None:
            return {}
        with autocast(assembly.step_settings()):
            if abilities_of(task).unmask is not None:
                return {"reconstructed": write_reconstructions(place, batch, source, assembly)}
            look = WithoutGradients(abilities_of(task).quick_evaluate or task.evaluate)
            outputs = look(batch)
        meter = checked_meter(task)
        with look.mode():
            meter.update(outputs, batch.index)
            with suppress(NonFinite, ArithmeticError):  # of so few rows
                meter.compute()
        details = meter.details()
        found = {
            stem: with_pictures(details[stem], stem, place, source, assembly) for stem in CASES if details.get(stem)
        }
        names = (details.get("confusion") or {}).get("names")
        return found | ({"confusion": {"names": names}} if names else {})


def samples_of(attempt: Attempt) -> list[Samples]:
    """The observer, of a task that has something to show and of which rows are validated; else none."""
    assembly, name = attempt.assembly, attempt.config.task
    makes = became.shows(assembly)
    shows = makes or (assembly.dataset is not None and name in names() and spec(name).samples)
    if not shows or assembly.dataset is None or SPLIT not in assembly.evaluation_sources:
        return []
    split = "train" if assembly.config.data.overfit_batches else SPLIT
    rows = len(assembly.dataset.splits[split])
    return [
        Samples(
            attempt.folder.samples,
            assembly,
            tell=lambda found: tell(attempt, [found], at_once=False),
            makes=makes,
            rows=rows,
        )
    ]


def _note(trouble: Exception) -> Finding:
    return Finding(
        check="samples while training",
        severity="note",
        evidence=f"they could not be made ({first_line(trouble)[:200]})",
        action="nothing: what is learned is not touched",
    )
