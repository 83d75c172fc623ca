"""Samples of a generative run among the training rows of a classifier: `--augment generated=RUN,share=0.3`.

They are drawn once, before the first step, and kept in the run's folder, so that a run that goes on does so with the same ones.
"""

import io
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sonde.augment.generated import Change, WithGenerated
from sonde.core.config import TrainConfig
from sonde.core.damaged import read_object
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.files import sha256, write_bytes
from sonde.core.findings import Finding
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.units import count, duration, share
from sonde.data.splits import labels_of
from sonde.engine.plan import pick_device
from sonde.modalities.catalogue import modality
from sonde.run.doubted import doubt

if TYPE_CHECKING:
    from sonde.run.run import Run
    from sonde.run.sampling import Drawn, Wanted

PART, SHARE, GUIDANCE = "generated", "share", "guidance"  # of the text
USUAL = 0.3
FEWEST, MOST = 1_000, 10_000  # samples; between them as many as an epoch takes
LEAST = 200  # under a time limit: of fewer, each is seen so often that it is learned by heart
MARGIN = 1.2  # on a time that was measured on few samples
TIME = 0.5  # of what a time limit leaves, that they may take

# P rows of the pool


class Generated(NamedTuple):
    """run: whose samples are mixed in;  share: of each batch, on average;  guidance: toward their classes"""

    run: str
    share: float
    guidance: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Pool:
    """input: (P, C, H, W) uint8;  target: (P,) int64, numbers of the data's classes

    about: for data.json: the run, the hash of its weights, the seed;  file: what the pool is kept as
    """

    input: Tensor
    target: Tensor
    about: Mapping[str, Any]
    file: bytes

    def mixed(self, share: float, then: Change | None) -> WithGenerated:
        """What a batch goes through."""
        return WithGenerated(input=self.input, target=self.target, share=share, then=then)

    def keep(self, folder: RunFolder) -> dict[str, Any]:
        """Write generated.npz; what data.json says of it."""
        write_bytes(folder.generated, self.file)
        return {**self.about, "sha256": sha256(folder.generated)}


def parted(text: str) -> tuple[str, Generated | None]:
    """A policy without its generated part, and that part. Raises: ConfigError for a share or a guidance that is none

    >>> parted("crop=1:zero,generated=runs/Flow-1,share=0.5")
    ('crop=1:zero', Generated(run='runs/Flow-1', share=0.5, guidance=1.0))
    """
    parts = [part.strip() for part in text.split(",")]
    named = [part.partition("=")[::2] for part in parts]
    own = {name: value for name, value in named if name in (PART, SHARE, GUIDANCE)}
    if not own:
        return text, None
    rest = [part for part, (name, _) in zip(parts, named, strict=True) if name not in own]
    if len(rest) + len(own) < len(parts):
        raise ConfigError(f"--augment {text!r} gives {PART}, {SHARE} or {GUIDANCE} twice")
    if not own.get(PART):
        raise ConfigError(f"--augment {text!r}: {next(iter(own))}= is of what {PART}=RUN makes; give both")
    part, guidance = _number(own.get(SHARE, str(USUAL))), _number(own.get(GUIDANCE, "1"))
    if not 0 < guidance < math.inf:
        raise ConfigError(
            f"--augment {GUIDANCE}={own[GUIDANCE]}: write {GUIDANCE}=1.5, or another number above 0; 1 is none"
        )
    if not 0 < part < 1:
        raise ConfigError(
            f"--augment {SHARE}={own[SHARE]}: write {SHARE}=0.3, or another part of each batch between 0 and 1"
        )
    return ",".join(rest) or "none", Generated(own[PART], part, guidance)


def _number(text: str) -> float:
    """What it says; NaN where that is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def pool_for(dataset: Dataset, config: TrainConfig, taken_s: float, tick: Tick = silent) -> Pool | None:
    """The samples that a run trains on; those that are kept in its folder, where it goes on. None where it takes none.

    taken_s: seconds of its time limit, if it has one, that are over
    Raises: ConfigError for a run whose samples do not fit, or for which a time limit leaves no time; RunFolderError for samples
    that are no longer those of before
    """
    wanted = parted(config.feed.augment)[1]
    if wanted is None:
        return None
    folder = None if config.place.out is None or config.place.fresh else RunFolder(Path(config.place.out))
    if folder is not None and folder.data.exists():
        before = read_object(folder.data, run=folder.path).get(PART)
        if isinstance(before, Mapping):
            return _kept(folder, before)
    return _drawn(wanted, dataset, config, taken_s, tick)


def told(pool: Pool, wanted: Generated) -> str:
    """What the plan says of them."""
    about = pool.about
    caution = f"; {about['caution']}" if about.get("caution") else ""
    guided = f", guidance {about[GUIDANCE]:g}" if GUIDANCE in about else ""
    instead = (
        f" instead of {count(about['wanted'])}, for which the time limit is too short" if "wanted" in about else ""
    )
    return (
        f"{share(wanted.share, 0)} of each batch from {count(len(pool.input))} samples of {about['run']}{instead} (weights "
        f"{about['weights']}, seed {about['seed']}{guided}){caution}"
    )


def _kept(folder: RunFolder, before: Mapping[str, Any]) -> Pool:
    """Raises: RunFolderError for a file that is gone or changed"""
    try:
        content = folder.generated.read_bytes()
    except OSError:
        content = b""
    if not content or sha256(folder.generated) != before.get("sha256"):
        what = "changed" if content else "is gone"
        raise RunFolderError(
            f"{folder.generated}, the samples that this run trains on, {what}; restore it, or start over with --fresh"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        return Pool(
            input=torch.from_numpy(held["input"]), target=torch.from_numpy(held["target"]), about=about, file=content
        )


def _drawn(wanted: Generated, dataset: Dataset, config: TrainConfig, taken_s: float, tick: Tick) -> Pool:
    from sonde.run.judge import weights_hash
    from sonde.run.run import Run
    from sonde.run.sampling import Wanted, generation_of, made_of

    begun = time.perf_counter() - taken_s
    run = Run(open_run(wanted.run), trust_code=config.place.trust_code)
    schema = dataset.schema
    _check(run.schema, schema, wanted.run)
    run.to(pick_device(config.machine.device))
    generation = generation_of(run)
    if not generation.classes:
        raise ConfigError(
            f"--augment {PART}={wanted.run}: its samples have no classes; name a run on data with classes"
        )
    if wanted.guidance != 1 and not generation.guided:
        raise ConfigError(
            f"--augment {GUIDANCE}= steers toward a class, and {wanted.run} has no guidance ({run.spec.name}); leave it out"
        )
    labels = labels_of(dataset.splits["train"])
    names, others = list(schema.target.names), list(run.schema.target.names)
    counts = np.zeros(len(others))
    counts[[others.index(name) for name in names]] = np.bincount(labels, minlength=len(names))
    number = min(MOST, max(FEWEST, round(wanted.share * len(labels))))
    shares, seed = tuple((counts / counts.sum()).tolist()), config.machine.seed
    asked = Wanted(number=number, shares=shares, seed=seed, guidance=wanted.guidance)
    found = _in_time(run, asked, begun, config.loop.limit_s, tick)
    made = made_of(run.schema)
    assert made is not None
    assert found.labels is not None
    pictures = made.plain(found.values, run.schema)
    pictures = pictures[:, None] if pictures.ndim == 3 else pictures.transpose(0, 3, 1, 2)
    target = np.array([names.index(name) if name in names else -1 for name in others])[found.labels.numpy()]
    about = {"run": wanted.run, "weights": weights_hash(run), "samples": len(target), "seed": seed}
    about |= {"wanted": number} if len(target) < number else {}
    about |= {GUIDANCE: wanted.guidance} if wanted.guidance != 1 else {}
    about["caution"] = "; ".join(filter(None, [doubt(run.folder), _caution(run, dataset, tick)]))
    file = io.BytesIO()
    np.savez_compressed(file, input=pictures, target=target, about=np.array(json.dumps(about)))
    pool = torch.from_numpy(np.ascontiguousarray(pictures))
    return Pool(input=pool, target=torch.from_numpy(target), about=about, file=file.getvalue())


def _in_time(run: "Run", asked: "Wanted", begun: float, limit_s: float | None, tick: Tick) -> "Drawn":
    """As many of the samples as take half of what a time limit leaves; all without one.

    begun: second of `time.perf_counter` at which the limit began;  Raises: ConfigError where that would be very few
    """
    from sonde.run.sampling import AT_ONCE, drawn

    if limit_s is None:
        return drawn(run.task, run.schema, asked, run.device, tick)
    start = time.perf_counter()
    until = start + TIME * (begun + limit_s - start)
    few = min(AT_ONCE, asked.number)
    drawn(run.task, run.schema, replace(asked, number=few), run.device)
    each_s = (time.perf_counter() - start) / few
    least = min(LEAST, asked.number)
    if max(0.0, until - start) < each_s * least:
        needed, whole = (start - begun + MARGIN * each_s * number / TIME for number in (least, asked.number))
        raise ConfigError(
            f"--augment {PART}={run.folder}: making {count(asked.number)} samples takes about {duration(each_s * asked.number)}, "
            f"and half of what the time limit leaves is {duration(max(0.0, until - start))}, too little for {least}; give "
            f"--time-limit {math.ceil(needed)}s or more ({math.ceil(whole)}s for all of them), or leave {PART}= out"
        )
    return drawn(run.task, run.schema, replace(asked, until=until), run.device, tick)


def too_few(pool: Pool | None) -> list[Finding]:
    """That a time limit left no time for all of them."""
    if pool is None or "wanted" not in pool.about:
        return []
    made, wanted = count(len(pool.input)), count(pool.about["wanted"])
    return [
        Finding(
            check="time limit",
            name="time-limit",
            severity="warning",
            evidence=f"{made} samples of {pool.about['run']} were made instead of {wanted}, in half of what the time limit left: "
            "each is seen more often, and the other half is what is left to train in",
            action="give a longer --time-limit",
            step=0,
        )
    ]


def _caution(run: "Run", dataset: Dataset, tick: Tick) -> str:
    """That the run whose samples are trained on has seen the rows that are judged; "" where it has not."""
    from sonde.run.judged_rows import rows_trained_on

    split = next((name for name in ("test", "validation") if name in dataset.splits), None)
    if split is None:
        return ""
    said = rows_trained_on(RunFolder(run.folder), dataset.source, run.schema, dataset.splits[split], tick)
    return f"of the {split} rows: {said.replace('the run was', f'{run.folder} was')}" if said else ""


def _check(made: Schema, schema: Schema, run: str) -> None:
    """Raises: ConfigError for a run that makes other inputs, or knows other classes"""
    place = f"--augment {PART}={run}"
    if not schema.target.has_classes or not schema.input.has_planes:
        raise ConfigError(f"{place} is for images of which each has one of several classes; leave it out")
    if (made.input.kind, made.input.shape) != (schema.input.kind, schema.input.shape):
        theirs, ours = (
            f"{modality(each.input.kind).noun} of {'x'.join(map(str, each.input.shape))}" for each in (made, schema)
        )
        raise ConfigError(f"{place}: it makes {theirs}, and the data hold {ours}")
    absent = [name for name in schema.target.names if name not in made.target.names]
    if absent:
        raise ConfigError(
            f"{place}: it makes no class {absent[0]!r}; its classes are {', '.join(map(str, made.target.names)) or 'not known'}"
        )
