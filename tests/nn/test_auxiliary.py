"""What networks with auxiliary heads answer with."""

import copy
import pickle

import torch
from torch.utils import _pytree as pytree

from sonde.nn.auxiliary import WithAuxiliary


def test_it_is_a_tree_of_tensors_to_torch_and_pickles() -> None:
    output = WithAuxiliary(torch.ones(2, 3), (torch.zeros(2, 3), torch.full((2, 3), 2.0)), 0.3)
    leaves, spec = pytree.tree_flatten(output)
    again = pytree.tree_unflatten(leaves, spec)
    assert [leaf.sum().item() for leaf in leaves[:3]] == [6.0, 0.0, 12.0]
    for twin in (again, copy.deepcopy(output), pickle.loads(pickle.dumps(output))):
        assert isinstance(twin, WithAuxiliary)
        assert twin.share == 0.3
        assert torch.equal(twin.auxiliary[1], output.auxiliary[1])
