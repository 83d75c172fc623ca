"""Networks of a caller's own whose parameters have no values yet: torch's lazy layers, and the meta device."""

from torch import nn
from torch.nn.parameter import is_lazy

from sonde.core.errors import ConfigError, SondeError
from sonde.core.seams import Source, Task, extras_of, rewinds
from sonde.engine.evaluate import evaluation_mode
from sonde.engine.tree import copied
from sonde.run.unfit import unfitting


def refuse_meta(modules: nn.Module) -> None:
    """Raises: ConfigError for parameters that have a shape and no values"""
    for name, tensor in (*modules.named_parameters(), *modules.named_buffers()):
        if tensor.is_meta:
            raise ConfigError(
                f"{name} is on the meta device and has no values; build the network outside of torch.device('meta'), or call "
                "net.to_empty(device='cpu') and give its parameters values"
            )


def initialise(task: Task, train: Source) -> None:
    """Let lazy layers take their shapes from the first training batch, which is put back.

    Optimisers, averages and checkpoints need parameters that are there. Nothing happens where no parameter is lazy.
    Raises: ConfigError for data that cannot be rewound, DataError for a batch that does not fit
    """
    lazy = [name for name, parameter in task.modules.named_parameters() if is_lazy(parameter)]
    if not lazy:
        return
    if not rewinds(train):
        raise ConfigError(
            f"{lazy[0]} takes its shape from the first batch, and these data can be read only once; call the network on a batch "
            "before it is passed"
        )
    position, state = train.state_dict(), copied(extras_of(task).state_dict())
    batch = next(iter(train), None)
    train.load_state_dict(position)
    if batch is None:
        return
    try:
        with evaluation_mode(task.modules):
            task.evaluate(batch)
    except SondeError:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as trouble:
        unfit = unfitting(trouble, batch, "the first batch")
        if unfit is None:
            raise
        raise unfit from trouble
    extras_of(task).load_state_dict(state)
