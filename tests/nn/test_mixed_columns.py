import torch
import torch.nn.functional as F

from sonde.core.dataset import Column, InputSpec
from sonde.nn.mixed_columns import MixedColumns

SPEC = InputSpec(
    kind="table",
    shape=(3,),
    columns=(
        Column(name="colour", kind="category", source="colour", categories=("red", "blue")),
        Column(name="size", kind="number", source="size"),
        Column(name="kind", kind="category", source="kind", categories=("a",)),
    ),
)
ROWS = torch.tensor([[2.0, 0.5, 0.0], [0.0, -1.0, 1.0]])


def test_numbers_come_first_and_codes_are_one_hot() -> None:
    made = MixedColumns(SPEC)
    assert made.out == (1 + 3 + 2,)
    assert made(ROWS).tolist() == [[0.5, 0, 0, 1, 1, 0], [-1.0, 1, 0, 0, 0, 1]]


def test_what_was_expanded_comes_back() -> None:
    made = MixedColumns(SPEC)
    assert torch.equal(made.values(made(ROWS)), ROWS)


def test_errors_are_squares_and_cross_entropies_in_the_order_of_the_columns() -> None:
    made, output = MixedColumns(SPEC), torch.randn(2, 6)
    found = made.errors(output, ROWS)
    torch.testing.assert_close(found[:, 1], (output[:, 0] - ROWS[:, 1]).square())
    torch.testing.assert_close(found[0, 0], F.cross_entropy(output[0, 1:4], torch.tensor(2)))
    torch.testing.assert_close(found[1, 2], -output[1, 4:].log_softmax(0)[1])


def test_rows_without_categories_stay_as_they_are() -> None:
    made, images = MixedColumns(InputSpec(kind="image", shape=(1, 4, 4))), torch.randn(2, 1, 4, 4)
    assert made(images) is images
    assert made.values(images) is images
    assert made.out == (1, 4, 4)
