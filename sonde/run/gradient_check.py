"""Checking back-propagation of a network and its loss on a batch, or of a run, which is rebuilt with its data."""

import copy
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.config_file import in_memory, read_config
from sonde.core.errors import ConfigError, RunFolderError, first_line
from sonde.core.nested import each
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Loss, Phase, Task, as_loss
from sonde.diagnose.fixed import in_double
from sonde.diagnose.gradient_check import GradientCheck, checked, merged
from sonde.diagnose.parameters import own_name
from sonde.engine.clock import Clock
from sonde.engine.loop import batches_of
from sonde.engine.modes import enter_training, kept_in_evaluation
from sonde.engine.phase_loss import checked_loss
from sonde.modalities.open import open_data
from sonde.run.build import Assembly, assemble
from sonde.run.custom import custom_parts, settings_of, task_of
from sonde.run.keywords import Keywords
from sonde.run.model_file import as_trained
from sonde.run.plan import bound_to
from sonde.run.resolve import CUSTOM_MODULE, settled
from sonde.run.resume import load_best
from sonde.run.transfer import as_begun

ROWS = 16  # of a batch: every forward pass is paid for each weight that is compared


@Keywords()
def check_gradients(
    net: nn.Module | Task, batch: Any, loss: Any = None, *, entries: int | None = None, rows: int = ROWS, seed: int = 0
) -> GradientCheck:
    """Compare back-propagation of a network with central finite differences, weight by weight, in float64.

    The network is copied, and stays as it is. It is looked at as it trains: dropout draws the same mask at every call, and batch
    normalisation uses the batch's statistics; what is in evaluation mode stays there.

    net, loss: as for `sonde.fit`
    batch: one batch, or data of which the first batch is taken: (inputs, targets), a dict, a Dataset or a DataLoader
    entries: weights of each tensor that are compared, a random subset by `seed`; by default 20, or as many as take a minute
    rows: of the batch, at most
    Raises: ConfigError where the loss is not the same when called twice, is not finite, or cannot be computed in float64
    """
    _refuse_few(entries=entries, rows=rows)
    try:
        task = copy.deepcopy(task_of(net, loss))
    except (RuntimeError, TypeError) as trouble:
        raise ConfigError(
            f"the network cannot be copied ({first_line(trouble)}); keep no outputs of earlier steps in it, or their .detach()"
        ) from trouble
    kept = kept_in_evaluation(task)
    with in_double():
        task.modules.double()
        parts = custom_parts(task, batch, None, settings_of(task, {}).config, Clock())
        first = _first(parts, rows)
        bound_to(parts, first)
        return _checked(task, first, kept, entries=entries, seed=seed)


def check_run(
    folder: RunFolder,
    *,
    trust_code: bool,
    entries: int | None = None,
    rows: int = ROWS,
    seed: int = 0,
    tick: Tick = silent,
) -> GradientCheck:
    """The same of a run of `sonde train`, with the weights of its best checkpoint, on its first training rows.

    trust_code: whether code is run that no person named on this machine
    Raises: RunFolderError for such code, unless it is trusted; ConfigError for a run that only the caller's program can rebuild
    """
    _refuse_few(entries=entries, rows=rows)
    _refuse_foreign(folder)
    with as_trained(folder, trusted=trust_code) as saved:
        config = settled(saved)
        machine = replace(config.machine, device="cpu", precision="fp32", compile=False)
        config = replace(config, machine=machine, loop=replace(config.loop, time_limit=None))
        dataset = as_begun(open_data(saved.data, config.data, task=config.task, tick=tick), folder)
        parts = assemble(dataset, config, clock=Clock(), tick=tick, fresh=False)
        kept = kept_in_evaluation(parts.task)
        load_best(folder, parts.task)
        first = _first(parts, rows)
        bound_to(parts, first)
        with in_double():
            parts.task.modules.double()
            return _checked(parts.task, first, kept, entries=entries, seed=seed, tick=tick)


def _refuse_few(**given: int | None) -> None:
    for name, value in given.items():
        if value is not None and value < 1:
            raise ConfigError(f"--{name} {value}: at least 1 is needed")


def _refuse_foreign(folder: RunFolder) -> None:
    """Raises: ConfigError, RunFolderError for a run whose network, loss or data are in a program, or which has none of its own"""
    saved = read_config(folder.config)
    if saved.settings.get("folds") and not saved.settings.get("fold"):
        raise RunFolderError(
            f"{folder.path} is a cross-validation; check one of its folds, such as {folder.path / 'fold-1'}"
        )
    if saved.settings.get("model") == CUSTOM_MODULE or saved.own or saved.data is None or in_memory(saved.data):
        raise ConfigError(
            f"{folder.path} was trained by a program, and only that program has its network and data; check it there: "
            "sonde.check_gradients(network, batch, loss)"
        )


def _first(parts: Assembly, rows: int) -> Batch:
    stream = iter(batches_of(parts.train, parts.step_settings("fp32")))
    with closing(stream):  # type: ignore[type-var]
        batch = next(stream)
    batch = batch if len(batch) <= rows else batch.rows(slice(0, rows))
    return Batch({name: each(field, _double) for name, field in batch.fields.items()}, batch.index)


def _double(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _checked(
    task: Task, batch: Batch, kept: Sequence[nn.Module], *, entries: int | None, seed: int, tick: Tick = silent
) -> GradientCheck:
    enter_training(task.modules, kept)

    def name(module: str) -> str:
        return own_name(task, module) or "the network itself"

    found = []
    for phase in task.phases:
        trains = {id(parameter) for parameter in phase.parameters()}
        trained = {own_name(task, n) or n: p for n, p in task.modules.named_parameters() if id(p) in trains}
        if trained or len(task.phases) == 1:
            found.append(
                checked(
                    task.modules, _loss_of(phase, batch), trained, entries=entries, seed=seed, named=name, tick=tick
                )
            )
    return merged(found)


def _loss_of(phase: Phase, batch: Batch) -> Callable[[], Tensor]:
    """A phase's loss on a batch. Raises: ConfigError for one that cannot be computed in float64"""

    def loss() -> Tensor:
        try:
            found = phase.loss(batch)
        except RuntimeError as trouble:
            if "dtype" not in str(trouble) and "type" not in str(trouble):
                raise
            raise ConfigError(
                f"the loss cannot be computed in float64 ({first_line(trouble)}); make what it creates of its input's dtype, "
                "as torch.zeros_like and .to(x.dtype) do"
            ) from trouble
        if torch.is_grad_enabled():  # a mistake in it is told at the first call, which is such
            return checked_loss(phase, found, len(batch)).value
        return (found if isinstance(found, Loss) else as_loss(found, len(batch))).value

    return loss
