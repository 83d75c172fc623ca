import torch

from sonde.tasks.language_model.hidden_state import Carried

HOST = torch.device("cpu")


def state(*values: float) -> tuple[torch.Tensor, ...]:
    return (torch.tensor(values)[:, None].expand(-1, 3).clone(), -torch.tensor(values)[:, None, None])


def test_nothing_is_known_before_the_first_window() -> None:
    assert Carried().before(torch.tensor([0, 5]), HOST) is None


def test_each_window_gets_what_the_one_before_it_left() -> None:
    carried = Carried()
    carried.keep(torch.tensor([0, 10, 20]), state(1, 2, 3))
    found = carried.before(torch.tensor([21, 1, 7]), HOST)
    assert found is not None
    assert found[0][:, 0].tolist() == [3, 1, 0]
    assert found[1].flatten().tolist() == [-3, -1, 0]


def test_pieces_of_a_batch_take_their_own_and_no_more_are_kept_than_rows() -> None:
    carried = Carried()
    carried.keep(torch.tensor([0, 10]), state(1, 2))
    carried.keep(torch.tensor([20]), state(3))
    for step in range(1, 6):
        for rows in (torch.tensor([0, 10]), torch.tensor([20])):
            found = carried.before(rows + step, HOST)
            assert found is not None
            carried.keep(rows + step, tuple(each + 1 for each in found))
    assert sorted(carried.ends.tolist()) == [5, 15, 25]
    found = carried.before(torch.tensor([6, 16, 26]), HOST)
    assert found is not None
    assert found[0][:, 0].tolist() == [6, 7, 8]


def test_a_window_that_is_read_again_replaces_what_it_left() -> None:
    carried = Carried()
    carried.keep(torch.tensor([4]), state(1))
    carried.keep(torch.tensor([4]), state(9))
    assert carried.ends.tolist() == [4]
    found = carried.before(torch.tensor([5]), HOST)
    assert found is not None
    assert found[0][0, 0] == 9


def test_states_are_let_go_of_by_the_gradient_and_survive_saving() -> None:
    weight = torch.ones(1, requires_grad=True)
    carried, other = Carried(), Carried()
    carried.keep(torch.tensor([4]), (weight * torch.ones(1, 2),))
    assert not carried.states[0].requires_grad
    other.load_state_dict(carried.state_dict())
    assert torch.equal(other.ends, carried.ends)
    assert torch.equal(other.states[0], carried.states[0])
