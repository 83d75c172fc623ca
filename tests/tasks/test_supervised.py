import pytest
import torch
from sample_heads import SHARE, Headed
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Objective
from sonde.nn.auxiliary import WithAuxiliary
from sonde.tasks.custom.task import ModuleTask
from sonde.tasks.supervised import by_row, mean_loss, objective, per_member, terms, wide, with_auxiliary


def squared(outputs: Tensor, target: Tensor) -> Tensor:
    return (outputs - target).square()


def batch(**fields: Tensor) -> Batch:
    return Batch(fields, torch.arange(len(next(iter(fields.values())))))


def test_members_are_trained_each_by_itself() -> None:
    outputs = torch.randn(4, 3, 2, requires_grad=True)
    target = torch.randn(4, 2)
    found = per_member(squared, outputs, target)
    expected = torch.stack([squared(outputs[:, member], target) for member in range(3)]).mean(0)
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, squared(outputs.mean(1), target))


def test_masked_entries_have_no_value_and_no_gradient_whatever_stands_there() -> None:
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    target = torch.tensor([[0.0, torch.nan], [0.0, torch.nan]])
    mask = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = mean_loss(*terms(batch(target=target, mask=mask), outputs, squared, None), rows=2)
    loss.value.backward()
    assert (loss.value.item(), float(loss.weight)) == (5.0, 2.0)
    assert outputs.grad is not None
    assert outputs.grad.tolist() == [[1.0, 0.0], [3.0, 0.0]]


def test_a_batch_that_is_masked_throughout_is_zero_not_nan() -> None:
    outputs = torch.ones(2, 1, requires_grad=True)
    loss = mean_loss(*terms(batch(target=torch.ones(2, 1), mask=torch.zeros(2, 1)), outputs, squared, None), rows=2)
    loss.value.backward()
    assert loss.value.item() == 0
    assert outputs.grad is not None
    assert not outputs.grad.any()


@pytest.mark.parametrize("weighed", [False, True])
def test_a_mixed_row_is_a_share_of_each_of_its_targets(weighed: bool) -> None:
    outputs, one, two = (
        torch.randn(4, 1),
        torch.tensor([[1.0], [2.0], [1.0], [2.0]]),
        torch.tensor([[2.0], [2.0], [1.0], [1.0]]),
    )
    share = torch.tensor([0.25, 0.5, 1.0, 0.0])
    mixed = batch(target=one, mix_target=two, mix_weight=share)
    weigh = (lambda target: 3 * target) if weighed else None
    loss = mean_loss(*terms(mixed, outputs, squared, weigh), rows=4)
    first, second = share[:, None], 1 - share[:, None]
    if weighed:
        first, second = first * 3 * one, second * 3 * two
    total = (first * squared(outputs, one) + second * squared(outputs, two)).sum()
    assert loss.value.item() == pytest.approx((total / (first + second).sum()).item())
    assert float(loss.weight) == pytest.approx(float((first + second).sum()))


def test_rows_for_the_meter_average_to_the_loss() -> None:
    each, mask = torch.rand(5, 3), (torch.rand(5, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    for weight in (None, mask):
        rows = by_row(each, weight)
        share = rows.get("weight", torch.ones(5))
        assert ((rows["loss"] * share).sum() / share.sum()).item() == pytest.approx(
            mean_loss(each, weight, 5).value.item()
        )


def test_sixteen_bits_are_widened_and_no_others() -> None:
    kinds = (torch.bfloat16, torch.float16, torch.float32, torch.float64)
    assert [wide(torch.ones(1, dtype=kind)).dtype for kind in kinds] == [torch.float32] * 3 + [torch.float64]


def test_what_is_monitored_knows_its_direction() -> None:
    assert objective("rmse", {"rmse": "min", "r2": "max"}, None) == Objective("rmse", "min")
    assert objective("rmse", {"rmse": "min", "r2": "max"}, "r2") == Objective("r2", "max")
    with pytest.raises(ConfigError, match="unknown metric to monitor 'mape'; there are: r2, rmse"):
        objective("rmse", {"rmse": "min", "r2": "max"}, "mape")


def summed(output: Tensor) -> Loss:
    return Loss(output.sum(), 4.0, {"kept": output.max()})


def test_the_loss_of_a_plain_output_is_left_alone() -> None:
    assert with_auxiliary(torch.tensor([1.0, 2.0]), summed) == Loss(torch.tensor(3.0), 4.0, {"kept": torch.tensor(2.0)})


def test_heads_add_their_share_and_the_main_loss_stays_visible() -> None:
    main = torch.tensor([1.0, 2.0], requires_grad=True)
    heads = (torch.tensor([10.0], requires_grad=True), torch.tensor([20.0, 30.0], requires_grad=True))
    loss = with_auxiliary(WithAuxiliary(main, heads, 0.25), summed)
    assert loss.value.item() == 3 + 0.25 * (10 + 50)
    assert loss.weight == 4.0
    assert {name: part.item() for name, part in loss.parts.items()} == {"kept": 2.0, "main": 3.0}
    loss.value.backward()
    assert [leaf.grad.tolist() for leaf in (main, *heads) if leaf.grad is not None] == [[1, 1], [0.25], [0.25, 0.25]]


def test_pieces_that_the_heads_cannot_take_count_in_the_main_loss() -> None:
    loss = with_auxiliary(WithAuxiliary(torch.tensor([1.0, 2.0]), (), 0.25), summed)
    assert loss.value.item() == loss.parts["main"].item() == 3.0


def test_the_loop_records_the_main_loss_beside_the_whole() -> None:
    torch.manual_seed(0)
    model = Headed(nn.Linear(3, 1), nn.Linear(3, 1))
    fields = {"input": torch.randn(7, 3), "target": torch.randn(7, 1)}
    first, head = (part(fields["input"]).sub(fields["target"]).square().mean().item() for part in model.parts)
    record = stepper(ModuleTask(model, nn.functional.mse_loss), accumulate=3)(batch(**fields), step=1, epoch=0)
    assert record.number("model/main") == pytest.approx(first, rel=1e-6)
    assert record.number("model/loss") == pytest.approx(first + SHARE * head, rel=1e-6)
