import pytest
import torch
from torch import Tensor

from sonde.augment.generated import WithGenerated
from sonde.core.batch import Batch


def batch(rows: int = 400, dtype: torch.dtype = torch.uint8) -> Batch:
    fields = {"input": torch.zeros(rows, 1, 2, 2, dtype=dtype), "target": torch.full((rows,), 3)}
    return Batch(fields, torch.arange(rows))


POOL = WithGenerated(input=torch.full((5, 1, 2, 2), 255, dtype=torch.uint8), target=torch.arange(5) + 10, share=0.3)


def drawn(seed: int, dtype: torch.dtype = torch.uint8) -> tuple[Tensor, Tensor]:
    found = POOL(batch(dtype=dtype), torch.Generator().manual_seed(seed))
    return found["input"], found["target"]


def test_a_share_of_the_rows_gives_way_with_its_targets() -> None:
    input, target = drawn(0)
    made = input.flatten(1).bool().all(1)
    assert made.double().mean() == pytest.approx(0.3, abs=0.05)
    assert set(target[made].tolist()) == {10, 11, 12, 13, 14}
    assert set(target[~made].tolist()) == {3}
    assert not input[~made].any()


def test_the_same_generator_gives_the_same_batch_and_floats_are_on_their_scale() -> None:
    (input, target), (again, same) = drawn(1), drawn(1, torch.float32)
    assert torch.equal(input / 255, again)
    assert torch.equal(target, same)
    assert not torch.equal(target, drawn(2)[1])


def test_what_is_made_is_augmented_like_the_rest_and_the_batch_stays_as_it_was() -> None:
    def darker(given: Batch, generator: torch.Generator) -> Batch:
        return Batch({**given.fields, "input": given["input"] // 2}, given.index)

    given = batch()
    pool = WithGenerated(input=POOL.input, target=POOL.target, share=0.3, then=darker)
    found = pool(given, torch.Generator().manual_seed(0))
    assert found["input"].unique().tolist() == [0, 127]
    assert not given["input"].any()
