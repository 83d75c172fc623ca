import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.vocabulary import BEGIN, SPECIAL
from sonde.models.build import default_input
from sonde.models.sample import sample
from sonde.models.table import MODELS


def test_tokens_are_of_the_vocabulary_and_never_padding() -> None:
    (tokens,) = sample("text-cnn", InputSpec(kind="tokens", shape=(50,), symbols=9), rows=40)
    assert tokens.shape == (40, 50)
    assert tokens.dtype == torch.int64
    assert sorted(set(tokens.flatten().tolist())) == list(range(len(SPECIAL), 9))


def test_numbers_of_images_come_alone_and_sequences_with_their_lengths() -> None:
    (image,) = sample("resnet18", InputSpec(kind="image", shape=(3, 8, 9)), rows=2)
    assert image.shape == (2, 3, 8, 9)
    numbers, lengths = sample("lstm", InputSpec(kind="series", shape=(30, 4)), rows=5)
    assert numbers.shape == (5, 30, 4)
    assert lengths.tolist() == [30] * 5


def test_a_seed_gives_the_same_again_and_another_something_else() -> None:
    spec = InputSpec(kind="tokens", shape=(50,), symbols=99)
    first, again, other = (sample("lstm", spec, seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_drawing_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    sample("mlp", InputSpec(kind="table", shape=(4,)))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if not {"image", "table"} & set(entry.reads)])
def test_every_family_of_sequences_gets_rows_of_its_own_shape(name: str) -> None:
    spec = default_input(name)
    found = sample(name, spec, rows=3)
    assert all(len(field) == 3 for field in found)
    assert found[0].shape[1] == spec.shape[0]
    if MODELS[name].answers == "text":
        assert (found[1][:, 0] == BEGIN).all()
