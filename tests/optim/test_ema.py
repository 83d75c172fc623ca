import pytest
import torch
from torch import nn

from sonde.core.errors import RunFolderError
from sonde.optim.ema import EMA


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 36, 2))


def moved(modules: nn.Module) -> None:
    with torch.no_grad():
        for parameter in modules.parameters():
            parameter.add_(torch.randn_like(parameter))
    modules(torch.randn(4, 2, 8, 8))  # moves batch norm's statistics and its count


def test_average_is_the_closed_form_sum() -> None:
    modules = network()
    average = EMA(modules, decay=0.4)
    weights = [[p.detach().double().clone() for p in modules.parameters()]]
    keeps = []
    for count in range(1, 9):
        moved(modules)
        average.update()
        weights.append([p.detach().double().clone() for p in modules.parameters()])
        keeps.append(min(0.4, (1 + count) / (10 + count)))
    assert keeps[0] == 2 / 11
    assert keeps[-1] == 0.4  # both branches of the rising decay were used
    names = [name for name, _ in modules.named_parameters()]
    for place, name in enumerate(names):
        # sum over updates of (1 - keep) times all later keeps, and what is left of the start
        expected = weights[0][place] * torch.tensor(keeps, dtype=torch.float64).prod()
        for n, keep in enumerate(keeps):
            expected += weights[n + 1][place] * (1 - keep) * torch.tensor(keeps[n + 1 :], dtype=torch.float64).prod()
        torch.testing.assert_close(average.state_dict()["tensors"][name].double(), expected, rtol=1e-5, atol=1e-6)


def test_buffers_are_averaged_and_counts_copied() -> None:
    modules = network()
    average = EMA(modules, decay=0.5)
    statistics = modules[1].running_mean.clone()  # type: ignore[union-attr, operator]
    for _ in range(3):
        moved(modules)
        average.update()
    tensors = average.state_dict()["tensors"]
    assert tensors["1.num_batches_tracked"] == 3
    assert not torch.equal(tensors["1.running_mean"], statistics)
    assert not torch.equal(tensors["1.running_mean"], modules[1].running_mean)  # type: ignore[arg-type]


def test_a_buffer_with_an_open_end_is_copied() -> None:
    modules = network()
    modules.register_buffer("high", torch.tensor([1.0, float("inf")]))
    average = EMA(modules, decay=0.9)
    for _ in range(3):
        moved(modules)
        average.update()
    tensors = average.state_dict()["tensors"]
    assert tensors["high"].tolist() == [1.0, float("inf")]
    assert not torch.equal(tensors["0.weight"], modules[0].weight)  # type: ignore[arg-type]


def test_applied_swaps_in_and_out_without_copying_and_training_goes_on() -> None:
    modules = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = EMA(modules, decay=0.9)
    moved(modules)
    average.update()
    before = {name: value.clone() for name, value in modules.state_dict().items()}
    places = [p.data_ptr() for p in modules.parameters()]
    layout = [p.stride() for p in modules.parameters()]
    with torch.inference_mode(), average.applied():
        held = {name: value.clone() for name, value in modules.state_dict().items()}
        inside = [p.data_ptr() for p in modules.parameters()]
        assert [p.stride() for p in modules.parameters()] == layout
        modules.eval()(torch.randn(2, 2, 8, 8))
    assert all(torch.equal(held[name], value) for name, value in average.state_dict()["tensors"].items())
    assert not set(places) & set(inside)
    assert [p.data_ptr() for p in modules.parameters()] == places
    assert all(torch.equal(before[name], value) for name, value in modules.state_dict().items())
    optimizer = torch.optim.SGD(modules.parameters(), lr=0.1)
    modules.train()(torch.randn(4, 2, 8, 8)).sum().backward()
    optimizer.step()
    assert not torch.equal(before["0.weight"], modules.state_dict()["0.weight"])
    average.update()


def test_applied_puts_the_weights_back_when_the_body_fails() -> None:
    modules = network()
    average = EMA(modules, decay=0.9)
    moved(modules)
    kept = modules[0].weight.detach().clone()  # type: ignore[operator, union-attr]
    with pytest.raises(ZeroDivisionError), average.applied():
        raise ZeroDivisionError
    assert torch.equal(kept, modules[0].weight)  # type: ignore[arg-type]


def test_saved_averages_go_on_exactly_and_keep_their_strides() -> None:
    one, other = network().to(memory_format=torch.channels_last), network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    first, second = EMA(one, decay=0.9), EMA(other, decay=0.9)
    for _ in range(3):
        moved(one)
        first.update()
    other.load_state_dict(one.state_dict())
    saved = first.state_dict()
    second.load_state_dict(
        {"count": saved["count"], "tensors": {n: t.contiguous() for n, t in saved["tensors"].items()}}
    )
    torch.manual_seed(3)
    moved(one)
    torch.manual_seed(3)
    moved(other)
    first.update()
    second.update()
    left, right = first.state_dict(), second.state_dict()
    assert left["count"] == right["count"] == 4
    for name, value in left["tensors"].items():
        assert torch.equal(value, right["tensors"][name]), name
        assert value.stride() == right["tensors"][name].stride(), name


def test_averages_of_another_model_are_refused() -> None:
    average = EMA(nn.Linear(2, 2), decay=0.9)
    with pytest.raises(RunFolderError, match=r"averaged weights do not fit this model \(first difference: weight\)"):
        average.load_state_dict(EMA(nn.Linear(3, 2), decay=0.9).state_dict())
