"""The tasks by name: a table of records (`TaskSpec`). Listing it imports nothing, and a record loads without torch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sonde.core.catalogue import added, load, record_of_package, resolve
from sonde.core.errors import ConfigError
from sonde.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import InputSpec, TargetSpec
    from sonde.core.seams import Task
    from sonde.tasks.latent_code import LatentCode

TASKS: dict[str, str] = {
    "classification": "sonde.tasks.classification.spec:CLASSIFICATION",
    "regression": "sonde.tasks.regression.spec:REGRESSION",
    "detection": "sonde.tasks.detection.spec:DETECTION",
    "segmentation": "sonde.tasks.segmentation.spec:SEGMENTATION",
    "structure": "sonde.tasks.structure.spec:STRUCTURE",
    "torsions": "sonde.tasks.torsions.spec:TORSIONS",
    "inverse-folding": "sonde.tasks.inverse_folding.spec:INVERSE_FOLDING",
    "simclr": "sonde.tasks.simclr.spec:SIMCLR",
    "masked-autoencoder": "sonde.tasks.masked_autoencoder.spec:MASKED_AUTOENCODER",
    "diffusion": "sonde.tasks.diffusion.spec:DIFFUSION",
    "flow-matching": "sonde.tasks.flow_matching.spec:FLOW_MATCHING",
    "masked-diffusion": "sonde.tasks.masked_diffusion.spec:MASKED_DIFFUSION",
    "gan": "sonde.tasks.gan.spec:GAN",
    "autoencoder": "sonde.tasks.autoencoder.spec:AUTOENCODER",
    "vae": "sonde.tasks.vae.spec:VAE",
    "vq-vae": "sonde.tasks.vq_vae.spec:VQ_VAE",
    "anomaly": "sonde.tasks.anomaly.spec:ANOMALY",
    "normalizing-flow": "sonde.tasks.normalizing_flow.spec:NORMALIZING_FLOW",
    "ppo": "sonde.tasks.ppo.spec:PPO",
    "a2c": "sonde.tasks.a2c.spec:A2C",
    "reinforce": "sonde.tasks.reinforce.spec:REINFORCE",
    "dqn": "sonde.tasks.dqn.spec:DQN",
    "sac": "sonde.tasks.sac.spec:SAC",
    "td3": "sonde.tasks.td3.spec:TD3",
    "cloning": "sonde.tasks.cloning.spec:CLONING",
    "cql": "sonde.tasks.cql.spec:CQL",
    "alphazero": "sonde.tasks.alphazero.spec:ALPHAZERO",
    "forecasting": "sonde.tasks.forecasting.spec:FORECASTING",
    "diffusion-forecasting": "sonde.tasks.diffusion_forecasting.spec:DIFFUSION_FORECASTING",
    "masked-language-model": "sonde.tasks.masked_language_model.spec:MASKED_LANGUAGE_MODEL",
    "question-answering": "sonde.tasks.question_answering.spec:QUESTION_ANSWERING",
    "language-model": "sonde.tasks.language_model.spec:LANGUAGE_MODEL",
    "translation": "sonde.tasks.translation.spec:TRANSLATION",
    "speech-recognition": "sonde.tasks.speech_recognition.spec:SPEECH_RECOGNITION",
}
"""Those of other packages join by their entry points of this group."""

GROUP = "sonde.tasks"
OF_A_ROW = frozenset({"class", "labels", "value"})
"""Kinds of targets with one answer per row."""


def names() -> list[str]:
    """All tasks, those of other packages last. Raises: ConfigError where two packages claim one name"""
    return [*TASKS, *added(GROUP, TASKS)]


@cache  # a record stays as it is while a program runs
def spec(name: str) -> TaskSpec:
    """The record of a task. Raises: ConfigError for an unknown one, with the nearest, or one that a package defines wrongly"""
    if name in added(GROUP, TASKS):
        return record_of_package(GROUP, TASKS, name, kind=TaskSpec, called="name")
    return resolve("task", name, {**TASKS, **added(GROUP, TASKS)})


def by_itself(task: str | None, setting: str) -> str:
    """What a task does in place of a setting that only others have, behind "; "; "" where there is nothing to say.

    >>> by_itself("cql", "scale_observations")[:46], by_itself("ppo", "scale_observations")
    ('; numbers of observations are scaled by their ', '')
    """
    told = "" if task is None else spec(task).by_itself.get(setting, "")
    return f"; {told}" if told else ""


def specs() -> Iterator[TaskSpec]:
    """All records, in the order of `names`."""
    return map(spec, names())


def target_kind(task: str | None) -> Literal["class", "value"] | None:
    """What a task that is named has numbers read as that could be classes or values; None where that is left to the data.

    Raises: ConfigError for an unknown task
    """
    targets = () if task is None else spec(task).targets
    if ("class" in targets) == ("value" in targets):
        return None
    return "class" if "class" in targets else "value"


def learns_dates(task: str | None) -> bool:
    """Whether columns of dates are learned from, by a task that is named. Raises: ConfigError for an unknown task"""
    return task is None or spec(task).dates


def one_class_is_enough(task: str | None) -> bool:
    """Whether training rows may be of a single class: of a task that is named, and learns from inputs alone.

    Raises: ConfigError for an unknown task
    """
    return task is not None and not spec(task).labels


def refuse_columns(task: str | None, kind: str, place: str) -> None:
    """Where nobody says which column is the target: a task that no column would do for is not told to name one.

    kind: of the inputs;  place: what holds the columns
    Raises: ConfigError
    """
    if task is None:
        return
    chosen = spec(task)
    if chosen.inputs and kind not in chosen.inputs:
        needs = f"learns from {' or '.join(chosen.inputs.values())}"
    elif chosen.targets and OF_A_ROW.isdisjoint(chosen.targets):
        needs = f"predicts {chosen.summary}"
    else:
        return
    raise ConfigError(f"task {task} {needs}, and {place} holds columns with one value a row; leave --task {task} out")


def network_input(task: str, input: "InputSpec", code: "LatentCode | None" = None) -> "InputSpec":
    """What the network of a task is built for, where its inputs are these; code: where it works on codes of them.

    Raises: ConfigError for an unknown task
    """
    if code is not None:
        return replace(input, shape=code.shape, mean=(), std=())
    coded = spec(task).network_input
    return load(coded)(input) if coded else input


def for_target(target: "TargetSpec") -> str:
    """The task that a target's kind suggests. Raises: ConfigError where none does"""
    for one in specs():
        if target.kind in one.suggests:
            return one.name
    raise ConfigError(f"no task is suggested by targets of kind {target.kind!r}; name one with --task")


def build(  # noqa: PLR0913 - the one door to a task; all but the first four go by name
    name: str,
    model: "nn.Module",
    target: "TargetSpec",
    config: Any | None = None,
    *,
    input: "InputSpec | None" = None,
    code: "LatentCode | None" = None,
    class_counts: Sequence[int] | None = None,
    monitor: str | None = None,
    loss: Callable[..., Any] | None = None,
) -> "Task":
    """Task `name` around a model; without a config, the task's defaults.

    input:        of the data, which tasks that make inputs must know
    code:         of another run, in which the task learns
    class_counts: training rows of each class, where a row has one class
    monitor:      the metric that chooses the best checkpoint, instead of the task's own
    loss:         a function(output, target) of the caller's own, instead of the task's
    Raises: ConfigError for an unknown task or metric (with the nearest), or a target or setting that does not suit the task
    """
    chosen = spec(name)
    if target.kind not in chosen.targets:
        refuse_exclusive(chosen, target)
        if chosen.targets and name not in TASKS:  # Sonde's own say best themselves what they need
            needed = " or ".join(chosen.targets)
            raise ConfigError(
                f"task {name} is trained on targets of kind {needed}, and these are of kind {target.kind}; leave --task "
                f"{name} out"
            )
    more: dict[str, Any] = {"class_counts": class_counts} if chosen.class_counts else {}
    if chosen.takes_input:
        more["input"] = input
    if code is not None:
        more["code"] = code
    if loss is not None:
        if not chosen.own_loss:
            able = [one.name for one in specs() if one.own_loss]
            raise ConfigError(f"task {name} takes no loss of your own, only {' and '.join(able)} do; leave loss= out")
        more["loss"] = loss
    config = config if config is not None else chosen.config()
    return load(chosen.task)(model, target, config, **more, monitor=monitor)


def refuse_exclusive(chosen: TaskSpec, target: "TargetSpec") -> None:
    """Raises: ConfigError for targets that another task alone can be trained on."""
    for one in specs():
        if one.exclusive and one.suits(target):
            if chosen.experience:  # another kind of actions than its own
                raise ConfigError(
                    f"task {chosen.name} is not for this: {one.suggests[target.kind]}; leave --task {chosen.name} out"
                )
            raise ConfigError(
                f"task {chosen.name} gives one output per row, and the targets are {one.exclusive}; "
                f"leave --task {chosen.name} out"
            )
