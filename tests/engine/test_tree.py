import pytest
import torch

from sonde.engine.tree import copied, join, same, separate


def test_a_state_survives_json_and_back() -> None:
    import json

    state = {
        "state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(2, 3)}, 1: {}},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "foreach": None}],
        "name": "x",
        "flag": True,
    }
    tree, tensors = separate(state)
    assert same(join(json.loads(json.dumps(tree)), tensors), state)


def test_floats_are_kept_to_the_last_bit() -> None:
    import json

    value = 0.1 + 0.2
    assert join(json.loads(json.dumps(separate({"x": value})[0])), {})["x"] == value


def test_same_tells_a_single_bit() -> None:
    one = {"a": [torch.zeros(3), (1, 2)]}
    other = copied(one)
    assert same(one, other)
    other["a"][0][2] = 1e-45
    assert not same(one, other)
    assert not same({"a": torch.zeros(2)}, {"a": torch.zeros(2, dtype=torch.float64)})
    assert not same({"a": torch.tensor([0.0])}, {"a": torch.tensor([-0.0])})


def test_what_json_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"state /a/b holds a set"):
        separate({"a": {"b": {1}}})
