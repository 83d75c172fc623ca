"""What of a batch goes where: by name, by place, nested, and what is refused."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.data.feed.fields import fields_of
from sonde.tasks.custom.binding import bind, inputs_of

A, B, Y, W = torch.zeros(4, 3), torch.ones(4, 2), torch.arange(4), torch.rand(4)


def net(forward: Callable[..., Any]) -> nn.Module:
    """A module with the signature of `forward`."""
    module = nn.Module()
    module.forward = forward  # type: ignore[method-assign]
    return module


def batch(sample: Any) -> Batch:
    return Batch(fields_of(sample), torch.arange(4))


def two(image, meta): ...
def one(x): ...
def masked(x, mask=None): ...
def hugging(input_ids=None, attention_mask=None, labels=None, use_cache=True, **more): ...


def loss(output, target): ...
def weighted(output, target, weight): ...
def hinge(output, target, margin=None): ...


@pytest.mark.parametrize(
    ("forward", "function", "sample", "line"),
    [
        (one, loss, (A, Y), "input → forward; target → the loss"),
        (one, F.mse_loss, {"x": A, "y": Y}, "x → forward; y → the loss"),
        (one, F.cross_entropy, {"image": A, "label": Y, "weight": W}, "image → forward; label → the loss; weight unused"),
        (two, loss, {"image": A, "meta": B, "label": Y, "id": list("abcd")},
         "image, meta → forward; label → the loss; id unused"),
        (two, loss, (A, B, Y), "part_1, part_2 → forward (image, meta); part_3 → the loss"),
        (one, weighted, (A, Y, W), "part_1 → forward; part_2, part_3 → the loss (target, weight)"),
        (one, weighted, {"x": A, "label": Y, "weight": W}, "x → forward; label, weight → the loss (target, weight)"),
        (two, loss, ((A, B), Y), "input → forward (image, meta); target → the loss"),
        (two, loss, ({"image": A, "meta": B}, Y), "input → forward (image, meta); target → the loss"),
        (two, loss, {"input": (A, B), "target": Y}, "input → forward (image, meta); target → the loss"),
        (one, loss, ((A, B), Y), "input → forward; target → the loss"),
        (one, loss, (A, Y, list("abcd")), "input → forward; target → the loss; part_3 unused"),
        (masked, F.mse_loss, (A, B, Y), "part_1, part_2 → forward (x, mask); part_3 → the loss"),
        (masked, loss, {"x": A, "mask": B, "y": Y}, "x, mask → forward; y → the loss"),
        (two, lambda output: 0, (A, B), "input, target → forward (image, meta)"),
        (one, lambda output: 0, A, "input → forward"),
        (one, lambda output, x: 0, A, "input → forward; input → the loss"),
        (one, lambda output, batch: 0, {"x": A, "y": Y}, "x → forward; the whole batch → the loss"),
        (one, lambda output, target, input: 0, (A, Y), "input → forward; target, input → the loss"),
        (one, lambda output, y, part: 0, (A, (Y, W)), "input → forward; target → the loss (y, part)"),
        (one, lambda a, b: 0, {"image": A, "label": Y}, "image → forward; label → the loss"),
        (one, lambda o, t, b: 0, {"image": A, "label": Y, "value": W}, "image → forward; the whole batch → the loss"),
        (one, lambda *given: 0, (A, Y), "input → forward; target → the loss"),
        (hugging, F.cross_entropy, {"input_ids": A, "attention_mask": B, "labels": Y},
         "input_ids, attention_mask → forward; labels → the loss"),
        (hugging, None, {"input_ids": A, "attention_mask": B, "labels": Y},
         "input_ids, attention_mask, labels → forward; the network returns its loss"),
        (hugging, F.cross_entropy, (A, Y), "input → forward; target → the loss"),
        (lambda *given: 0, loss, (A, B, Y), "part_1, part_2 → forward; part_3 → the loss"),
        (lambda **given: 0, loss, {"a": A, "b": B, "label": Y}, "a, b → forward; label → the loss"),
        (one, functools.partial(weighted, weight=2.0), (A, Y), "input → forward; target → the loss"),
        (one, nn.CrossEntropyLoss(), (A, Y), "input → forward; target → the loss"),
        (one, F.gaussian_nll_loss, {"x": A, "y": Y, "var": W}, "x → forward; y, var → the loss (target, var)"),
        (one, hinge, {"x": A, "y": Y, "margin": W}, "x → forward; y, margin → the loss (target, margin)"),
        (lambda batch: 0, loss, {"a": A, "y": Y}, "the whole batch → forward; y → the loss"),
        (one, torch.dist, (A, Y), "input → forward; target → the loss"),
    ],
)  # fmt: skip
def test_who_gets_what(forward: Any, function: Any, sample: Any, line: str) -> None:
    found = bind(net(forward), function, batch(sample)).line
    assert found == line


def test_arguments_are_the_fields_themselves() -> None:
    given = batch({"meta": B, "image": A, "label": Y, "weight": W})
    bound = bind(net(two), weighted, given)
    places, names = bound.forward.of(given)
    assert places[0] is A
    assert places[1] is B
    assert not names
    assert bound.call_loss(lambda output, label, weight: (label, weight), None, given) == (Y, W)
    assert bound.call_loss(lambda output, target: target, None, given) is Y
    by_keyword = bind(net(lambda mask, *, x: 0), loss, batch({"x": A, "mask": B, "y": Y}))
    assert by_keyword.forward.names == (("x", "x"),)


def test_a_metric_takes_as_many_parts_as_it_has_parameters() -> None:
    given = batch((A, Y, W))
    bound = bind(net(one), weighted, given)
    assert bound.call_loss(lambda output, target: target, None, given, "metric") is Y
    assert bound.call_loss(lambda output, target, threshold=None: threshold, None, given, "metric") is None
    assert bound.call_loss(lambda output, y, w: w, None, given, "metric") is W


@pytest.mark.parametrize(
    ("forward", "function", "sample", "said"),
    [
        (one, loss, (A, B, Y),
         r"samples have 3 parts \(\(4, 3\) float32, .*\), which do not fit Module.forward\(x\) and the loss loss\(output, "
         r"target\); give a dict"),
        (one, lambda output: 0, (A, Y),
         r"samples have 2 parts .* do not fit Module.forward\(x\) and the loss\(output\); give a dict"),
        (one, F.mse_loss, A, r"the loss takes a target \('target'\), and .* give \(x, y\), or, where .*, \(x, x\) or"),
        (two, loss, {"image": A, "label": Y},
         r"Module.forward\(image, meta\) needs 'meta', and the batch has image, label; rename the fields"),
        (one, loss, {"image": A, "features": B, "y": Y},
         "the batch has 'image' and 'features', and Module.forward takes 'x'; rename the field"),
        (one, loss, {"x": A, "y": Y, "label": Y},
         r"the batch has 'y' and 'label', and the loss takes 'target'; name its parameter"),
        (one, weighted, {"x": A, "y": Y},
         r"the loss\(output, target, weight\) takes 'weight', which is not a field of the batch \(x, y\); name the"),
        (one, loss, {"x": A, "amount": Y}, "the loss takes 'target', and the batch has x, amount; name its parameter"),
        (one, lambda: 0, (A, Y), "the loss takes nothing; let it take the network's output"),
        (lambda x, a=None, b=None: 0, lambda o, t, w=None: 0, (A, B, Y), "samples have 3 parts"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_one_line(forward: Any, function: Any, sample: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as told:
        bind(net(forward), function, batch(sample))
    assert "\n" not in str(told.value)


def test_prediction_needs_no_target() -> None:
    trained = bind(net(two), loss, batch((A, B, Y)))
    assert inputs_of(net(two), batch((A, B)), trained).places == ("input", "target")
    assert inputs_of(net(two), batch((A, B, Y)), trained).places == ("part_1", "part_2")
    assert inputs_of(net(one), batch((A, Y))).places == ("input",)
    assert inputs_of(net(two), batch({"image": A, "meta": B})).places == ("image", "meta")
    with pytest.raises(ConfigError, match=r"samples have 1 part .* takes \(image, meta\); give one part for each"):
        inputs_of(net(two), batch(A))


def test_binding_is_light_work() -> None:
    import timeit

    given = batch((A, Y))
    bound = bind(net(one), loss, given)
    seconds = min(
        timeit.repeat(lambda: (bound.forward.of(given), tuple(given.fields) == bound.names), number=1000, repeat=5)
    )
    assert seconds / 1000 < 20e-6  # 0.4 µs on an idle machine
