"""Training mode with exceptions: what was put into evaluation mode on purpose, or is not trained, stays there."""

from collections.abc import Iterable

from torch import nn

from sonde.core.seams import Task


def kept_in_evaluation(task: Task) -> tuple[nn.Module, ...]:
    """The modules of a task that stay in evaluation mode while it trains, as its networks were handed over.

    Those in evaluation mode are so on purpose where their network is in training mode; a network that is in evaluation mode
    as a whole comes from an earlier training, or from a library that delivers it so, and is trained. What has parameters none
    of which is trained stays in either case, with all that is in evaluation mode inside it.
    """
    trained = trained_parameters(task)
    kept: dict[nn.Module, None] = {}
    for network in task.modules.children():
        for module in network.modules():
            if module.training:
                continue
            if network.training:
                kept[module] = None
            elif is_frozen(module, trained):
                kept |= dict.fromkeys(part for part in module.modules() if not part.training)
    return tuple(kept)


def trained_parameters(task: Task) -> set[int]:
    """Identities of the parameters that some phase updates."""
    return {id(parameter) for phase in task.phases for parameter in phase.parameters()}


def is_frozen(module: nn.Module, trained: set[int]) -> bool:
    """Whether a module has parameters, and none of them is trained."""
    parameters = list(module.parameters())
    return bool(parameters) and not any(id(parameter) in trained for parameter in parameters)


def enter_training(modules: nn.Module, kept: Iterable[nn.Module]) -> None:
    """Training mode for all but `kept`."""
    modules.train()
    for module in kept:
        module.training = False
