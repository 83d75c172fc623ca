"""New inputs from a trained run: what is asked for is checked, drawn in parts, and given back on the data's own scale."""

import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.catalogue import load
from sonde.core.config_file import in_memory, read_config
from sonde.core.damaged import read_object
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import ConfigError, DataError, nearest, unknown
from sonde.core.generation import Generation, SampleRequest
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.seams import Task, abilities_of
from sonde.core.seeds import generator
from sonde.data.splits import labels_of
from sonde.modalities.catalogue import modality
from sonde.run.weaker import Weaker
from sonde.tasks.table import specs

if TYPE_CHECKING:
    from sonde.modalities.made import Made
    from sonde.run.run import Run

AT_ONCE = 64  # samples
ROWS_AT_ONCE = 256  # the same of samples that are a short row of numbers: of fewer much of the time would go to calls
SHORT = 512  # numbers
FEW, FEWEST_STEPS = 4, 8  # samples and steps that are made however little time there is
LISTED = 20  # classes in a message


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asks for.

    number:   of samples;  classes: names of classes, in turn; () for those of the data in turn
    steps, sampler, guidance, temperature: see `SampleRequest`;  seed: the same gives the same samples
    shares:   of the classes of samples for which none is named; () for all of the data's in turn
    weaker:   a run or a checkpoint that does worse, away from which `guidance` leads instead
    latent:   where sampling begins, (N, *latent), instead of noise;  interpolate: from a sample to the next, by noise between
    known, keep: inputs as the network is fed, (1 or N, *shape), and 1 where they are kept
    until:    second of `time.perf_counter` after which no more are begun: those that are there by then are all
    """

    number: int = 16
    classes: Sequence[str] = ()
    steps: int = 0
    sampler: str = ""
    guidance: float = 1.0
    weaker: Weaker | None = None
    seed: int = 0
    latent: Tensor | None = None
    interpolate: bool = False
    shares: Sequence[float] = ()
    known: Tensor | None = None
    keep: Tensor | None = None
    temperature: float = 1.0
    until: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Samples as the network makes them, (N, *shape), and the class of each (N,), if they have one."""

    values: Tensor
    labels: Tensor | None


def generation_of(run: "Run") -> Generation:
    """Raises: ConfigError for a run that makes no inputs, with the tasks that do"""
    found = abilities_of(run.task).generation
    if found is None:
        if run.spec.encodes:
            data, folder = read_config(RunFolder(run.folder).config).data, shlex.quote(str(run.folder))
            words = f"sonde train {shlex.quote(str(data))} --task flow-matching --latent {folder}"
            if in_memory(data):
                words = f'sonde.train(data, task="flow-matching", latent={str(run.folder)!r})'
            raise ConfigError(
                f"{run.folder} makes no new inputs by itself: nothing says which codes go together; let a flow learn its codes: "
                f"{words}"
            )
        able = " or --task ".join(each.name for each in specs() if each.generates)
        hint = f"train one with --task {able}"
        if abilities_of(run.task).samples is not None:
            hint = "use sonde generate"
        if abilities_of(run.task).paths is not None:
            hint = f"sonde predict {run.folder} TABLE --paths 20 draws paths of what follows a table"
        raise ConfigError(f"{run.folder} makes no new inputs: it is a run of task {run.spec.name}; {hint}")
    return found


def drawn_from(run: "Run", wanted: Wanted, tick: Tick = silent) -> Drawn:
    """Samples of a run's best checkpoint. Raises: ConfigError for a run that makes none, and as `drawn`"""
    generation_of(run)
    return drawn(run.task, run.schema, replace(wanted, shares=shares_of(run)), run.device, tick)


def fitting(
    task: Task,
    schema: Schema,
    wanted: Wanted,
    device: torch.device,
    seconds: float,
    now: Callable[[], float] = time.perf_counter,
) -> Wanted:
    """What is wanted, with fewer steps, and then samples, where all would take longer: a step of a few samples is timed.

    Raises: as `drawn`
    """
    generation = abilities_of(task).generation
    assert generation is not None
    steps, few, begun = max(1, wanted.steps or generation.steps), min(FEW, wanted.number), now()
    drawn(task, schema, replace(wanted, number=few, steps=min(1, generation.steps)), device)
    taken = now() - begun
    affordable = max(0.0, seconds - taken) / max(taken / few, 1e-9)  # steps of one sample
    if affordable >= steps * wanted.number:
        return wanted
    fewer = min(steps, max(FEWEST_STEPS, int(affordable / wanted.number)))
    number = min(wanted.number, max(few, int(affordable / fewer)))
    return replace(wanted, number=number, steps=fewer if generation.steps else 0)


def drawn(
    task: Task, schema: Schema, wanted: Wanted, device: torch.device, tick: Tick = silent, *, trains: bool = False
) -> Drawn:
    """Samples of the task's network, which is left as it was; the global random streams are not touched.

    trains: whether the network is to be trained further, so that no tensor that it keeps may be one of inference alone
    Raises: ConfigError for what cannot be asked of the task; DataError for samples that are not finite
    """
    generation = abilities_of(task).generation
    assert generation is not None
    check(wanted, generation, schema)
    start = _start(wanted, generation)
    labels = _labels(wanted, generation, schema, len(start))
    noise = generator(wanted.seed, "sample", 1)
    training, at_once = task.modules.training, _at_once(generation)
    task.modules.eval()
    parts: list[Tensor] = []
    try:
        with torch.no_grad() if trains else torch.inference_mode():
            for first in range(0, len(start), at_once):
                here = slice(first, first + at_once)
                request = SampleRequest(
                    start=start[here].to(device),
                    labels=None if labels is None else labels[here].to(device),
                    steps=wanted.steps,
                    sampler=wanted.sampler,
                    guidance=wanted.guidance,
                    weaker=None if wanted.weaker is None else wanted.weaker.of(labels, here),
                    known=_rows(wanted.known, here, len(start), device),
                    keep=_rows(wanted.keep, here, len(start), device),
                    noise=lambda shape: torch.randn(shape, generator=noise).to(device),
                    temperature=wanted.temperature,
                )
                parts.append(generation.draw(request).float().cpu())
                tick("making samples", min(first + at_once, len(start)), len(start))
                if time.perf_counter() > wanted.until:
                    break
    finally:
        task.modules.train(training)
    values = torch.cat(parts)
    wrong = int((~values.isfinite()).flatten(1).any(1).sum())
    if wrong:
        raise DataError(
            f"{wrong} of {len(values)} samples hold numbers that are not finite; the network's weights or the guidance are too "
            "large: try guidance 1, other steps, or an earlier checkpoint"
        )
    return Drawn(values=values, labels=None if labels is None else labels[: len(values)])


def _at_once(generation: Generation) -> int:
    return ROWS_AT_ONCE if len(generation.latent) == 1 and generation.latent[0] <= SHORT else AT_ONCE


def check(wanted: Wanted, generation: Generation, schema: Schema) -> None:
    """Raises: ConfigError for what the task cannot do, in a line"""
    for name, value, least in (("number", wanted.number, 1), ("seed", wanted.seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ConfigError(f"--{name} takes a whole number, got {value!r}")
        if value < least:
            raise ConfigError(f"--{name} must be at least {least}, got {value}")
    _check_sampler(wanted, generation)
    _check_guidance(wanted, generation)
    if wanted.classes and not generation.classes:
        raise ConfigError("--classes: this run was trained without classes; leave it out")
    if wanted.keep is not None and not generation.keeps:
        if generation.estimate is not None:  # of a code that is no map (`tasks/latent_code`)
            raise ConfigError(
                "--known: this run learned codes without places, in which no part of an input can be kept; use a run of the "
                "inputs, without --latent"
            )
        raise ConfigError(
            "--known: this network cannot keep a part of an input; use a run of diffusion, flow-matching or masked-diffusion"
        )
    if wanted.interpolate and wanted.number < 2:
        raise ConfigError(
            f"--interpolate goes from one sample to another; give --number 2 or more, got {wanted.number}"
        )
    if wanted.latent is not None and tuple(wanted.latent.shape[1:]) != generation.latent:
        raise ConfigError(
            f"--latent holds rows of shape {tuple(wanted.latent.shape[1:])}, and sampling begins with {generation.latent}"
        )


def _check_guidance(wanted: Wanted, generation: Generation) -> None:
    """And the temperature, which makes samples likelier too."""
    if not np.isfinite(wanted.guidance):
        raise ConfigError(f"--guidance must be finite, got {wanted.guidance:g}")
    if wanted.guidance <= 0:
        beside = "the weaker run alone" if wanted.weaker is not None else "no class at all"
        raise ConfigError(
            f"--guidance must be above 0, got {wanted.guidance:g}: 0 stands for {beside}, and less leads away from what is "
            "wanted; leave it out for 1, the class alone, or give more for clearer samples"
        )
    if wanted.weaker is not None:
        if wanted.guidance == 1:
            raise ConfigError("--weaker has no effect with --guidance 1; give --guidance 2")
    elif wanted.guidance != 1 and not generation.guided:
        why = "was trained without classes" if not generation.classes else "never trained with its class hidden"
        other = ", or name a run that does worse with --weaker" if generation.estimate is not None else ""
        raise ConfigError(f"--guidance steers toward a class, and this run {why}; leave it out{other}")
    if not 0 <= wanted.temperature < np.inf:
        raise ConfigError(f"--temperature must be at least 0 and finite, got {wanted.temperature:g}")
    if wanted.temperature != 1 and not generation.tempered:
        raise ConfigError("--temperature is for samples drawn token by token, as masked-diffusion does; leave it out")


def _check_sampler(wanted: Wanted, generation: Generation) -> None:
    if wanted.steps < 0:
        raise ConfigError(
            f"--steps must be at least 1, or 0 for the task's own {generation.steps}, got {wanted.steps}; leave it out for those"
        )
    if wanted.steps and not generation.steps:
        raise ConfigError("--steps is for samplers in steps, and this network makes a sample in one pass; leave it out")
    if wanted.sampler and wanted.sampler not in generation.samplers:
        if not generation.samplers:
            raise ConfigError(
                "--sampler is for samplers in steps, and this network makes a sample in one pass; leave it out"
            )
        raise unknown("sampler", wanted.sampler, generation.samplers)


def _start(wanted: Wanted, generation: Generation) -> Tensor:
    """(N, *latent)."""
    if wanted.latent is not None:
        return wanted.latent.float()
    rows = 2 if wanted.interpolate else wanted.number
    # one stream a sample: more samples begin with the same ones
    noise = [
        torch.randn(generation.latent, generator=generator(wanted.seed, "sample", 0, place)) for place in range(rows)
    ]
    if not wanted.interpolate:
        return torch.stack(noise)
    return between(noise[0], noise[1], wanted.number)


def between(first: Tensor, last: Tensor, number: int) -> Tensor:
    """(number, *shape) from one noise to another along the sphere on which normal noise lies: their norms stay alike."""
    cosine = torch.dot(first.flatten(), last.flatten()) / (first.norm() * last.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    shares = torch.linspace(0, 1, number).view(-1, *(1,) * first.ndim)
    if angle < 1e-4:
        return torch.lerp(first, last, shares)
    return (torch.sin((1 - shares) * angle) * first + torch.sin(shares * angle) * last) / torch.sin(angle)


def _labels(wanted: Wanted, generation: Generation, schema: Schema, rows: int) -> Tensor | None:
    """(N,) numbers of classes: those that are named in turn, of an interpolation the first; else all of the data's in turn."""
    if not generation.classes:
        return None
    names = list(schema.target.names)
    for name in wanted.classes:
        if name not in names:
            near = [] if name.isdigit() else nearest(name, names)  # a number is like many others
            hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
            raise ConfigError(f"--classes: unknown class {name!r}; {hint}the classes are {listed}")
    numbers = [names.index(name) for name in wanted.classes] or list(range(len(names)))
    if wanted.shares and not wanted.classes and not wanted.interpolate:
        drawn_by = generator(wanted.seed, "sample", 2)
        return torch.multinomial(torch.tensor(wanted.shares), rows, replacement=True, generator=drawn_by)
    if wanted.interpolate:
        numbers = numbers[:1]
    return torch.tensor([numbers[place % len(numbers)] for place in range(rows)])


def _rows(given: Tensor | None, here: slice, rows: int, device: torch.device) -> Tensor | None:
    if given is None:
        return None
    wide = given.expand(rows, *given.shape[1:]) if len(given) == 1 else given
    return wide[here].to(device)


def made_of(schema: Schema) -> "Made | None":
    """What is done with samples of the kind; None where nothing can be."""
    made = modality(schema.input.kind).made
    return load(made) if made else None


def shares_of(run: "Run") -> tuple[float, ...]:
    """How often each class is among the training rows, where samples of the kind have their classes as often; else ()."""
    made = made_of(run.schema)
    if made is None or not made.by_share or not run.schema.target.has_classes:
        return ()
    about = read_object(open_run(run.folder).data, run=run.folder)
    counts = (about.get("class_counts") or {}).get("train") or {}
    if not sum(counts.values()):
        return ()
    return tuple(counts.get(name, 0) / sum(counts.values()) for name in run.schema.target.names)


def shares_among(rows: Rows, schema: Schema) -> tuple[float, ...]:
    """How often each class is among some rows."""
    labels = labels_of(rows)
    return tuple((np.bincount(labels, minlength=len(schema.target.names)) / len(labels)).tolist())


def class_names(found: Drawn, schema: Schema) -> list[str] | None:
    """The class of each sample, if they have one."""
    return None if found.labels is None else [schema.target.names[place] for place in found.labels.tolist()]


def plain(found: Drawn, schema: Schema) -> Any:
    """Samples on the data's own scale: images (N, H, W, C) uint8, tables as such, with their classes, texts, else an array."""
    made = made_of(schema)
    if made is None:
        return found.values.numpy()
    return with_names(made.plain(found.values, schema), found.labels, schema, made)


def in_own_types(found: Drawn, schema: Schema) -> Any:
    """As `plain`, a table in the types of the frame that was trained on."""
    made, shown = made_of(schema), plain(found, schema)
    return shown if made is None or made.own_types is None else made.own_types(shown, schema)


def with_names(plain: Any, labels: Tensor | None, schema: Schema, made: "Made") -> Any:
    """Inputs on the data's own scale, with the names of their classes (N,) where these stand in them."""
    if made.with_classes is None or labels is None:
        return plain
    return made.with_classes(plain, [schema.target.names[place] for place in labels.tolist()], schema)
