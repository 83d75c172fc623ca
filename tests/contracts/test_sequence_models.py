"""One battery over every model of the catalogue that reads sequences. What a model is called with, `sonde.models.sample` says."""

import copy
import dataclasses
import functools
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.build import PER_SYMBOL, build, default_input, describe
from sonde.models.sample import sample
from sonde.models.table import MODELS, costs
from sonde.optim.ema import EMA

OTHERS = {"image", "table", "video", "environment"}
SEQUENCES = {name: entry for name, entry in MODELS.items() if not OTHERS & set(entry.reads)}
# of each family its smallest network; the others are the same code in other sizes: counted, not run here
RUN = list({entry.family: name for name, entry in reversed(SEQUENCES.items())}.values())
CASES = [(name, kind) for name in RUN for kind in MODELS[name].reads]
# a forecaster's window is always whole, and so are rows of arrays
PADDED = [(name, kind) for name, kind in CASES if MODELS[name].answers != "horizon" and kind != "array"]
CAUSAL = [name for name in RUN if MODELS[name].answers in ("next", "text")]
SIZES: dict[str, tuple[int, ...]] = {
    "tokens": (12,),
    "text-pair": (12,),
    "series": (24, 3),
    "array": (24, 3),
    "audio": (40,),
    "molecule": (9,),
    "protein": (14,),
}
SPEECH = 4_000  # samples, for models that read sound alone
SYMBOLS, CLASSES, HORIZON = 24, 5, 6
STEPS = 60  # of learning by heart
ALIKE = ("dlinear", "nlinear")  # start as plain means, whatever the seed


def small_input(name: str, kind: str) -> InputSpec:
    """An input of a kind that the model reads, quick to compute."""
    spec = default_input(name)
    own = kind == spec.kind
    shape = (SPEECH,) if own and kind == "audio" else SIZES[kind]
    shape += spec.shape[len(shape) :] if own else ()  # an atom has as many features as its model counts with
    symbols = spec.symbols if kind in ("molecule", "protein") else SYMBOLS * (kind in ("tokens", "text-pair"))
    return dataclasses.replace(spec, kind=kind, shape=shape, symbols=symbols)


def out_dim(name: str) -> int:
    answers = MODELS[name].answers
    if answers in PER_SYMBOL:
        return SYMBOLS
    return {"span": 2, "horizon": HORIZON}.get(answers, CLASSES)


def built(name: str, kind: str, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, small_input(name, kind), out_dim(name))


def stirred(name: str, kind: str) -> nn.Module:
    """In evaluation mode, with no weight left at zero, since what starts there hides what stands behind it."""
    model = built(name, kind)
    drawn = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=drawn)
        for module in model.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0.0
    return model.eval()


def row(name: str, kind: str, length: int, seed: int) -> tuple[Tensor, ...]:
    """One row of that length."""
    spec = small_input(name, kind)
    return sample(name, dataclasses.replace(spec, shape=(length, *spec.shape[1:])), seed=seed)


def together(rows: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Rows as one batch: zeros behind the end of each, in every dimension in which they differ."""
    return tuple(torch.cat([_widened(part, parts) for part in parts]) for parts in zip(*rows, strict=True))


def _widened(part: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
    missing = [max(other.shape[axis] for other in parts) - part.shape[axis] for axis in range(1, part.ndim)]
    return F.pad(part, [number for gap in reversed(missing) for number in (0, gap)])


def batch(name: str, kind: str, count: int = 6) -> tuple[Tensor, ...]:
    """Rows of full length, all different."""
    return together([row(name, kind, small_input(name, kind).shape[0], seed) for seed in range(count)])


def answered(model: nn.Module, fields: tuple[Tensor, ...]) -> Tensor:
    """What the model answers; of frames, those behind a recording's end are zero."""
    found = model(*fields)
    if isinstance(found, Tensor):
        return found
    logits, lengths = found
    assert lengths.shape == (len(logits),)
    assert ((lengths > 0) & (lengths <= logits.shape[1])).all()
    return logits * (torch.arange(logits.shape[1]) < lengths[:, None])[..., None]


def shape_of(name: str, spec: InputSpec, rows: int) -> list[int | None]:
    """What must come out; None where the model may decide."""
    width = out_dim(name)
    answers = MODELS[name].answers
    if answers in ("next", "text", "span"):
        return [rows, spec.shape[0], width]
    if answers == "horizon":
        return [rows, HORIZON, spec.shape[1]]
    if answers == "angles":
        return [rows, spec.shape[0], width, 2]
    return [rows, width] if answers == "row" else [rows, None, width]


def loss_of(name: str, model: nn.Module, fields: tuple[Tensor, ...]) -> Tensor:
    """How far the model is from telling rows apart: each has a class, which is to be said wherever the model says something."""
    count, answers = len(fields[0]), MODELS[name].answers
    classes = torch.arange(count) % 4 + 1
    if answers == "frames":
        logits, lengths = model(*fields)
        said = torch.stack([classes, classes + 1, classes], 1)
        per_step = logits.log_softmax(-1).transpose(0, 1)
        return F.ctc_loss(per_step, said, lengths, torch.full((count,), 3), zero_infinity=False)
    found = model(*fields)
    if answers == "span":  # near the end, since a question stands before
        places = found.shape[1] - 2 - torch.stack([classes % 3, classes % 2], 1)
        return F.cross_entropy(found, places)
    if answers == "horizon":
        return (found - classes[:, None, None] * fields[0].std()).square().mean()
    if answers == "angles":
        wanted = torch.stack([(classes * 1.2).cos(), (classes * 1.2).sin()], -1)
        return 1 - F.cosine_similarity(found, wanted[:, None, None].expand_as(found), dim=-1).mean()
    return F.cross_entropy(found.flatten(0, -2), classes.repeat_interleave(found[0].numel() // found.shape[-1]))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_answers_finite_numbers_of_its_shape_that_depend_on_the_row(name: str, kind: str) -> None:
    model, fields = stirred(name, kind), batch(name, kind)
    with torch.no_grad():
        found = answered(model, fields)
    wanted = shape_of(name, small_input(name, kind), len(fields[0]))
    if MODELS[name].answers == "structure":  # of each residue, or of each two of them
        wanted = [len(fields[0]), *(small_input(name, kind).shape[0] for _ in range(found.ndim - 2)), out_dim(name)]
    assert found.ndim == len(wanted)
    assert all(need in (None, got) for need, got in zip(wanted, found.shape, strict=True)), (wanted, found.shape)
    assert found.isfinite().all()
    assert found.std(0).max() > 1e-4


@pytest.mark.parametrize(("name", "kind"), PADDED)
def test_neither_padding_nor_the_other_rows_change_an_answer(name: str, kind: str) -> None:
    model, longest = stirred(name, kind), small_input(name, kind).shape[0]
    rows = [row(name, kind, length, seed) for seed, length in enumerate((2 * longest // 3, longest, longest // 2))]
    with torch.no_grad():
        padded = answered(model, together(rows))
        alone = [answered(model, each) for each in rows]
    for number, own in enumerate(alone):
        within = padded[number : number + 1][tuple(slice(size) for size in (1, *own.shape[1:]))]
        torch.testing.assert_close(within, own, atol=2e-5, rtol=1e-4)
    assert (alone[0].flatten()[:2] - alone[1].flatten()[:2]).abs().max() > 1e-4


@pytest.mark.parametrize("name", [name for name in RUN if MODELS[name].answers == "horizon"])
def test_a_window_is_read_by_itself(name: str) -> None:
    model, fields = stirred(name, "series"), batch(name, "series", 3)
    with torch.no_grad():
        whole = answered(model, fields)
        alone = torch.cat([answered(model, tuple(f[n : n + 1] for f in fields)) for n in range(3)])
    torch.testing.assert_close(whole, alone, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_token_changes_nothing_that_was_said_before_it(name: str) -> None:
    model, fields = stirred(name, "tokens"), batch(name, "tokens", 3)
    *given, tokens = fields
    with torch.no_grad():
        before = answered(model, fields)
        for place in (1, tokens.shape[1] // 2, tokens.shape[1] - 1):
            other = tokens.clone()
            other[:, place] = 4 + (other[:, place] - 3) % (SYMBOLS - 4)
            after = answered(model, (*given, other))
            torch.testing.assert_close(after[:, :place], before[:, :place], atol=1e-5, rtol=1e-5)
            assert (after[:, place] - before[:, place]).abs().amax(-1).min() > 1e-4


@pytest.mark.parametrize("name", [name for name in CAUSAL if MODELS[name].answers == "text"])
def test_every_token_of_the_source_is_heard_by_the_first_word_said(name: str) -> None:
    model, (source, target) = stirred(name, "tokens"), batch(name, "tokens", 2)
    with torch.no_grad():
        before = answered(model, (source, target))
        for place in range(source.shape[1]):
            other = source.clone()
            other[:, place] = 4 + (other[:, place] - 3) % (SYMBOLS - 4)
            assert (answered(model, (other, target)) - before)[:, 0].abs().amax(-1).min() > 1e-6


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_parameter_gets_a_gradient(name: str, kind: str) -> None:
    model = built(name, kind).train()
    # one step first: an output that starts at zero keeps gradients from what stands behind it
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    loss_of(name, model, batch(name, kind)).backward()
    optimizer.step()
    optimizer.zero_grad()
    loss_of(name, model, batch(name, kind)).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert silent == []
    assert [n for n, p in model.named_parameters() if p.grad is not None and not p.grad.any()] == []


@pytest.mark.parametrize("name", RUN)
def test_learns_rows_by_heart(name: str) -> None:
    kind = MODELS[name].reads[0]
    model, fields = built(name, kind).train(), batch(name, kind, 4)
    for module in model.modules():
        if hasattr(module, "dropped"):  # dropout hides how little is left to learn
            setattr(module, "dropped", 0)  # noqa: B010 - no attribute of every module
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(name, model, fields)
        losses.append(loss.item())
        if losses[-1] < 0.4 * losses[0]:
            return
        loss.backward()
        optimizer.step()
    pytest.fail(f"a loss of {losses[-1]:.3f} after {STEPS} steps, from {losses[0]:.3f}")


@pytest.mark.parametrize("name", RUN)
def test_the_seed_alone_decides_the_weights_and_they_carry_over(name: str) -> None:
    kind = MODELS[name].reads[0]
    model, again, other = built(name, kind), built(name, kind), built(name, kind, seed=1)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    differ = any(not torch.equal(value, other.state_dict()[key]) for key, value in model.state_dict().items())
    assert differ == (name not in ALIKE)
    with torch.no_grad():
        answered(model.train(), batch(name, kind))  # moves running statistics, where there are any
        other.load_state_dict(model.state_dict())
        expected = answered(model.eval(), batch(name, kind))
        assert torch.equal(answered(other.eval(), batch(name, kind)), expected)


@pytest.mark.parametrize("name", RUN)
def test_averages_of_weights_at_rest_give_the_same_answer(name: str) -> None:
    kind = MODELS[name].reads[0]
    model = built(name, kind).eval()
    average = EMA(model, 0.9)
    for _ in range(3):
        average.update()
    with torch.no_grad():
        plain = answered(model, batch(name, kind))
        with average.applied():
            torch.testing.assert_close(answered(model, batch(name, kind)), plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RUN)
def test_survives_copying_and_pickling(name: str) -> None:
    kind = MODELS[name].reads[0]
    model, fields = stirred(name, kind), batch(name, kind, 2)
    copies: list[Callable[[nn.Module], Any]] = [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
    with torch.no_grad():
        expected = answered(model, fields)
        assert all(torch.equal(answered(twin(model), fields), expected) for twin in copies)


@functools.cache
def lstm_lacks_bfloat16() -> bool:
    """Whether this processor has no kernel for it: oneDNN's need AVX-512."""
    try:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(4, 4)(torch.zeros(2, 1, 4))
    except RuntimeError:
        return True
    return False


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_bfloat16_comes_near_float32_and_has_gradients(name: str, kind: str) -> None:
    model, fields = stirred(name, kind), batch(name, kind, 3)
    with torch.no_grad():
        expected = answered(model, fields)
    if lstm_lacks_bfloat16() and any(isinstance(module, nn.LSTM) for module in model.modules()):
        with pytest.raises(RuntimeError, match="for the LSTM"), torch.autocast("cpu", torch.bfloat16):
            answered(model, fields)  # aloud, so that a run can ask the machine first (`engine/precision`)
        return
    with torch.autocast("cpu", torch.bfloat16):
        found = answered(model, fields).float()
    assert (found - expected).abs().mean() < 0.05 * expected.abs().mean() + 0.01
    found.square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", [n if n in RUN else pytest.param(n, marks=pytest.mark.slow) for n in SEQUENCES])
def test_description_agrees_with_the_model(name: str) -> None:
    facts = describe(name)
    with torch.device("meta"):
        model = build(name, default_input(name), facts.out_dim)
    assert facts.parameters == sum(p.numel() for p in model.parameters())
    assert (facts.parameters, facts.flops) == costs()[name]
    assert facts.flops > 0
