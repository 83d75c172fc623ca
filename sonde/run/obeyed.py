"""Which settings can have an effect in a run of a task, on data of a scheme, as far as that is known before data are opened.

Help lists these alone. Free of torch; what else has none is found once the parts of a run are built (`sonde.run.applicable`).
"""

from dataclasses import fields

from sonde.core.catalogue import load
from sonde.core.config import GROUPS, DataConfig
from sonde.modalities.catalogue import modalities, modality
from sonde.modalities.modality import Modality
from sonde.modalities.settings import leaves, of_kind
from sonde.tasks.spec import TaskSpec

OF_ROWS = (*(entry.name for entry in fields(DataConfig) if entry.init), "feed", "balanced", "bucket", "augment")
"""Settings that choose among rows, or change them."""
OF_PASSES = ("epochs", "memory", "classical")
"""Those that besides have nothing to work on where there are no rows, but what is met."""

NOT_TYPED = {"schedule_every"}
"""Of a scheduler of torch, which is given from Python."""


def obeyed(task: TaskSpec | None, scheme: str = "") -> set[str]:
    """Names of the general settings, and of those of kinds of data, that may have an effect.

    task: None where none is named
    scheme: what the name of the data begins with before a colon ("gym"); what is none stands for other data
    """
    known = leaves()
    place = next((one for one in modalities() if scheme in one.schemes), None)
    inputs = [place.kind] if place is not None else [] if task is None else list(task.inputs)
    found = set(known) - NOT_TYPED
    if inputs:
        read = {name for kind in inputs for name in of_kind(kind)}
        found = {name for name, title in known.items() if name not in NOT_TYPED and (title in GROUPS or name in read)}
    acts = bool(task.experience) if task is not None else place is not None and place.acted
    if acts:
        found -= {*OF_ROWS, *OF_PASSES}
    if task is not None:
        found -= {"environment_steps"} if not task.updates else set()
        found -= {"batch_size"} if task.whole_batches else set()
    for record in map(modality, inputs) if inputs else modalities():
        found -= _unread(record, task, scheme if place is not None else "")
    return found


def _unread(record: Modality, task: TaskSpec | None, scheme: str) -> set[str]:
    if not record.unread:
        return set()
    return set(load(record.unread)(scheme, () if task is None else tuple(task.targets)))
