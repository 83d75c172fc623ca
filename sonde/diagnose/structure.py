"""Facts about a network before its first step, by a few rows of the first batch: nothing is trained, and nothing changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.findings import Finding
from sonde.core.nested import is_object, rows_of
from sonde.core.seams import Task, extras_of
from sonde.diagnose.parameters import listed, own_name

Answer = Callable[[Batch], Tensor | None]
"""Rows -> what the network answers in evaluation mode, without a gradient; None where that is no single tensor."""

Drawn = Callable[[Batch, int], Tensor | None]
"""The same, with the seed of what it draws."""

ALIKE = 0.75  # share of the weights from which on it is no layer that begins at zero on purpose; of adapters at most half do
EXACT = 1e-4  # of the answers' size: what rounding may make of them
LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding, nn.Bilinear, nn.RNNBase)
MOSTLY = 0.5  # share of padding from which on it is looked at
DROWNED = 0.1  # spread of the answers, of that without padding
MOST_TRIED = 8  # layers whose results are changed, to see what they reach


def units_alike(task: Task, answer: Answer | None = None, batch: Batch | None = None) -> list[Finding]:
    """Weights whose rows are all equal: their units compute the same, get the same gradient and stay alike.

    Of a single layer, or layers side by side, they do not: each of their units has a target of its own.
    """
    weights = [(name, p) for name, p in task.modules.named_parameters() if p.ndim > 1 and len(p) > 1]
    same = [name for name, p in weights if p.requires_grad and p.is_floating_point() and _same_rows(p)]
    if len(same) < 2 or len(same) < ALIKE * len(weights):
        return []
    if answer is not None and batch is not None and not _stacked(task.modules, lambda: answer(batch)):
        return []
    names = listed([own_name(task, name) for name in same])
    return [
        Finding(
            check="units alike",
            name="units-alike",
            severity="warning",
            where=own_name(task, same[0]),
            evidence=f"all units of a layer have the same weights in {len(same)} of {len(weights)} weights ({names}): they "
            "compute the same, get the same gradient, and stay the same",
            action="initialise them at random, as torch does by default, or by nn.init.kaiming_normal_(weight)",
            step=0,
        )
    ]


def _same_rows(weight: Tensor) -> bool:
    rows = weight.detach()
    return bool((rows[0] == rows[1]).all()) and bool((rows == rows[:1]).all())


def frozen_as_drawn(task: Task) -> list[Finding]:
    """Frozen layers whose weights are as torch draws them: nothing was loaded into them, and nothing will train them.

    torch draws weights of linear layers and convolutions evenly from ±1 / √inputs, which no training keeps to. A copy of layers
    that are trained, such as a mean of theirs, is none; nor is a single layer, which may be a random projection on purpose.
    """
    if extras_of(task).after_step is not None:
        return []
    weights = [(name, p) for name, p in task.modules.named_parameters() if p.ndim > 1]
    drawn = [(name, p) for name, p in weights if not p.requires_grad and _as_drawn(p)]
    if len(drawn) < 2 or 2 * len(drawn) < len(weights):
        return []
    trained = [p for _, p in weights if p.requires_grad]
    if any(torch.equal(p, other) for _, p in drawn for other in trained if other.shape == p.shape):
        return []
    names = listed([own_name(task, name) for name, _ in drawn])
    return [
        Finding(
            check="frozen random weights",
            name="frozen-random-weights",
            severity="warning",
            where=own_name(task, drawn[0][0]),
            evidence=f"{len(drawn)} of {len(weights)} weights are frozen and still as torch draws them at random ({names})",
            action="load trained weights into them, or leave out requires_grad_(False)",
            step=0,
        )
    ]


@torch.no_grad()
def _as_drawn(weight: Tensor) -> bool:
    """Whether entries fill ±1 / √fan evenly, fan being those that make one output (torch's kaiming_uniform_ with a = √5)."""
    count = weight.numel()
    if not weight.is_floating_point() or count < 64:
        return False
    bound = (count // len(weight)) ** -0.5
    largest, spread = float(weight.abs().max()), float(weight.std())
    return bool(0.9 * bound < largest <= 1.0001 * bound) and abs(spread * 3**0.5 / bound - 1) < 3 * count**-0.5


def _stacked(modules: nn.Module, run: Callable[[], Any]) -> bool:
    """Whether a layer is given what another has made, seen by changing the results of one after the other."""
    layers = [each for each in modules.modules() if isinstance(each, LAYERS)]
    usual = _given(layers, run, None)
    for changed in layers[:MOST_TRIED]:
        now = _given(layers, run, changed)
        for layer in layers:
            before, after = usual.get(layer), now.get(layer)
            if layer is not changed and before is not None and after is not None and not torch.equal(before, after):
                return True
    return False


def _given(layers: Sequence[nn.Module], run: Callable[[], Any], changed: nn.Module | None) -> dict[nn.Module, Tensor]:
    """What each layer is called with last, while the results of one of them are larger by about 1."""
    found: dict[nn.Module, Tensor] = {}

    def look(layer: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if args and isinstance(args[0], Tensor):
            found[layer] = args[0].detach().clone()
        if layer is not changed:
            return None
        result = output[0] if isinstance(output, tuple) else output
        if not isinstance(result, Tensor) or not result.is_floating_point():
            return None
        result = result + 1 + torch.linspace(0, 1, result.numel(), device=result.device).view(result.shape)
        return (result, *output[1:]) if isinstance(output, tuple) else result

    handles = [layer.register_forward_hook(look) for layer in layers]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return found


def acts_linearly(task: Task, answer: Answer, batch: Batch, inputs: Sequence[str]) -> list[Finding]:
    """A network of several layers, one after the other, that is one linear layer: f((a + b) / 2) = (f(a) + f(b)) / 2.

    inputs: fields that the network takes
    """
    layers = [m for m in task.modules.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    fields: dict[str, Any] = {name: batch.fields.get(name) for name in inputs}
    floats = [each for each in fields.values() if isinstance(each, Tensor) and each.is_floating_point()]
    if len(layers) < 2 or len(batch.index) < 2 or len(floats) != len(fields) or not floats:
        return []
    for scale in (1.0, -3.0):  # of the second row, so that both sides of an activation are met
        rows = {name: torch.stack([v[0], scale * v[1], (v[0] + scale * v[1]) / 2]) for name, v in fields.items()}
        output = answer(Batch(rows, batch.index[:1].expand(3).clone()))
        if output is None or not output.is_floating_point() or len(output) != 3 or not bool(output.isfinite().all()):
            return []
        size = (output[0] - output[1]).abs().max()
        off = (output[2] - (output[0] + output[1]) / 2).abs().max()
        if not bool(size > 1e-6) or not bool(off <= EXACT * size):
            return []
    if not _stacked(task.modules, lambda: answer(rows_numbered(batch, range(2)))):
        return []
    return [
        Finding(
            check="no nonlinearity",
            name="no-nonlinearity",
            severity="warning",
            evidence=f"with {len(layers)} layers the network is one linear layer: its output for the mean of two rows "
            "is the mean of its outputs",
            action="put an activation between the layers, such as nn.ReLU()",
            step=0,
        )
    ]


def sees_ahead(answer: Answer, batch: Batch, given: str, target: str) -> list[Finding]:
    """A network that is to tell each next token, and whose answers change with the tokens that follow."""
    tokens, following = batch.fields.get(given), batch.fields.get(target)
    if (
        not isinstance(tokens, Tensor)
        or not isinstance(following, Tensor)
        or tokens.is_floating_point()
        or tokens.ndim != 2
    ):
        return []
    if tokens.shape != following.shape or tokens.shape[1] < 3:
        return []
    usual = tokens.flatten().mode().values  # such as padding, which equals padding everywhere
    told = tokens[:, 1:] != usual
    if not bool(told.any()) or not bool((tokens[:, 1:] == following[:, :-1])[told].float().mean() > 0.95):
        return []
    rows = tokens[:2]
    others = rows.clone()
    others[:, -1] = rows[:, 0]
    others[:, -1] = torch.where(others[:, -1] == rows[:, -1], rows[:, 1], others[:, -1])
    if bool((others == rows).all()):
        return []
    fields = {**batch.fields, given: torch.cat([rows, others]), target: following[:2].repeat(2, 1)}
    output = answer(
        Batch({name: fields[name] for name in (given, target)}, batch.index[:1].expand(2 * len(rows)).clone())
    )
    if output is None or output.ndim != 3 or output.shape[:2] != (2 * len(rows), tokens.shape[1]):
        return []
    before = output[:, :-1].float()
    off = (before[: len(rows)] - before[len(rows) :]).abs().max()
    if not bool(off > EXACT * before.abs().max()):
        return []
    return [
        Finding(
            check="future visible",
            name="future-visible",
            severity="warning",
            evidence="the network's outputs for earlier tokens change with the last one, though each token's target is "
            f"the next token (by {float(off):.2g}): it can copy what it is to predict",
            action="mask later tokens: is_causal=True, or a mask of torch.triu(ones, 1)",
            step=0,
        )
    ]


def draws(answer: Drawn, batch: Batch) -> bool:
    """Whether the network draws at random in evaluation mode too, as a sampling encoder does, or keeps something from call to
    call: what it answers then says nothing by a difference. So it is taken where it gives no answer."""
    if any(is_object(field) for field in batch.fields.values()):
        return True  # of which no rows can be taken
    some = rows_numbered(batch, range(min(4, len(batch.index))))
    first, again = answer(some, 0), answer(some, 1)
    if first is None or again is None or first.shape != again.shape:
        return True
    return not torch.equal(first.nan_to_num(), again.nan_to_num())


def unregistered(modules: nn.Module) -> bool:
    """Whether networks keep others with weights in plain lists, tuples or dicts, which neither optimisers nor eval() know of."""
    known = set(modules.modules())
    for module in known:
        for name, value in vars(module).items():
            if name in ("_modules", "_parameters", "_buffers") or not isinstance(value, list | tuple | dict):
                continue
            held = value.values() if isinstance(value, dict) else value
            if any(
                isinstance(each, nn.Module) and each not in known and next(each.parameters(), None) is not None
                for each in held
            ):
                return True
    return False


def padding_drowns(answer: Answer, batch: Batch, given: str) -> list[Finding]:
    """A network for padded texts whose answers hardly differ between rows, and differ without the padding behind them."""
    tokens = batch.fields.get(given)
    if not isinstance(tokens, Tensor) or tokens.is_floating_point() or tokens.ndim != 2 or len(tokens) < 4:
        return []
    some = rows_numbered(batch, range(min(8, len(tokens))))
    rows = some.fields[given]
    padding = rows[:, -1].mode().values
    lengths = [int((row != padding).nonzero().max()) + 1 if bool((row != padding).any()) else 0 for row in rows]
    share = 1 - sum(lengths) / rows.numel()
    if share < MOSTLY or min(lengths) < 1:
        return []
    whole = answer(some)
    if whole is None or whole.ndim != 2 or not whole.is_floating_point() or len(whole) != len(rows):
        return []
    alone = []
    for place, length in enumerate(lengths):
        one = rows_numbered(batch, [place])
        cut = answer(Batch({**one.fields, given: one.fields[given][:, :length]}, one.index))
        if cut is None or cut.shape != whole[:1].shape:
            return []
        alone.append(cut)
    with_it, without = float(whole.std(0).mean()), float(torch.cat(alone).std(0).mean())
    if not with_it < DROWNED * without:
        return []
    return [
        Finding(
            check="padding drowns text",
            name="padding-drowns-text",
            severity="warning",
            evidence=f"{100 * share:.0f} % of the tokens of the first rows are padding ({int(padding)}) after the "
            f"text, and the network reads it: its outputs differ between rows by {with_it:.2g}, and by {without:.2g} "
            "without it",
            action="use the output at each row's last token (pack_padded_sequence, or outputs[rows, lengths - 1]), or "
            "mask the padding",
            step=0,
        )
    ]


def rows_mixed(answer: Answer, batch: Batch, modules: nn.Module | None = None) -> list[Finding]:
    """A network whose answer for a row depends on the other rows of the batch, in evaluation mode.

    It must change where the others are left out, and where they are replaced by as many others. What answers with a number for
    each pair of rows, as contrastive networks do, is none. modules: layers that may be why
    """
    if len(batch.index) < 4:
        return []
    whole = answer(rows_numbered(batch, range(4)))
    if whole is None or not whole.is_floating_point() or whole.shape[:1] != (4,) or not bool(whole.isfinite().all()):
        return []
    others = (4, 5) if len(batch.index) >= 6 else None
    off = max(
        _changed(answer, batch, whole[:2], (0, 1), (0, 1, *(others or (3, 2)))),
        _changed(answer, batch, whole[2:], (2, 3), (*(others or (1, 0)), 2, 3)),
    )
    size = float(whole.abs().max())
    if not off > 100 * EXACT * size:
        return []
    time_first = {} if modules is None else _time_first(modules)
    return [
        Finding(
            check="rows mixed",
            name="rows-mixed",
            severity="warning",
            evidence="in evaluation mode the network's output for a row changes with the other rows of the batch (by "
            f"{100 * off / size:.2g} % of its size)",
            where=next(iter(time_first), ""),
            action=_in_order(time_first)
            + "look for a view or reshape that mixes the rows' axis with another (permute instead), a softmax or norm over "
            "axis 0",
            step=0,
        )
    ]


def _time_first(modules: nn.Module) -> dict[str, str]:
    """Name -> kind of the recurrent and attention layers that take the rows on axis 1, as torch's do by default; of layers
    within one another the outermost, which hands it on."""
    found: dict[str, str] = {}
    for name, module in modules.named_modules():
        whole = isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer)
        layer = module.self_attn if whole else module
        if isinstance(layer, nn.RNNBase | nn.MultiheadAttention | nn.Transformer) and not layer.batch_first:
            own = name.removeprefix("model.")
            if not any(outer == "model" or own.startswith(f"{outer}.") for outer in found):
                found[own] = type(module).__name__
    return found


def _in_order(time_first: Mapping[str, str]) -> str:
    """What is to be done of layers that take the rows on axis 1; empty of none."""
    if not time_first:
        return ""
    named = ", ".join(f"{name} ({kind})" for name, kind in list(time_first.items())[:3])
    return (
        f"{named}: batch_first=False takes (steps, rows, …); give batch_first=True where the rows come first, as in a batch; "
        "else "
    )


def _changed(answer: Answer, batch: Batch, known: Tensor, rows: Sequence[int], beside: Sequence[int]) -> float:
    """By how much answers to two rows, known within a batch of four, change at least without the others and beside others."""
    alone, changed = answer(rows_numbered(batch, rows)), answer(rows_numbered(batch, beside))
    if alone is None or changed is None or alone.shape != known.shape or changed.shape[1:] != known.shape[1:]:
        return 0.0
    place = list(beside).index(rows[0])
    off = torch.minimum((known - alone).abs().max(), (known - changed[place : place + 2]).abs().max())
    return float(off) if bool(off.isfinite()) else 0.0


def rows_numbered(batch: Batch, numbers: Sequence[int]) -> Batch:
    """Some rows of a batch, of its tensors and of what is made of such."""
    places = torch.tensor(list(numbers), device=batch.index.device)
    return Batch({name: rows_of(field, places) for name, field in batch.fields.items()}, batch.index[places])


def largest_dropout(modules: nn.Module) -> tuple[float, str]:
    """The rate and name of the dropout layer with the largest one; 0 where there is none."""
    rates = [
        (float(getattr(module, "p", 0.0)), name)
        for name, module in modules.named_modules()
        if isinstance(module, nn.modules.dropout._DropoutNd)
    ]
    return max(rates, default=(0.0, ""))
