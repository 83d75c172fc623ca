"""What the network is trained toward: closed values, legal moves alone, the side to move; and what it remembers of itself."""

import math
from typing import Any

import pytest
import torch

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.records import StepRecord
from sonde.models.build import build
from sonde.tasks.alphazero.config import AlphaZeroConfig
from sonde.tasks.alphazero.task import AlphaZero, end_shares, expected

BOARD = InputSpec(kind="environment", shape=(2, 3, 3))
MOVES = TargetSpec(kind="move", names=tuple("abcdefghi"))


def task(**settings: Any) -> AlphaZero:
    torch.manual_seed(0)
    return AlphaZero(build("policy-value-mlp", BOARD, 9), MOVES, AlphaZeroConfig(**settings), input=BOARD)


class Fixed(torch.nn.Module):
    """The same logits for every position."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(logits))

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.logits.expand(len(input), -1)
        return logits[:, :9], logits[:, 9:]


def batch(policy: list[float], value: float, legal: list[bool]) -> Batch:
    fields = {"observation": torch.zeros(1, 2, 3, 3, dtype=torch.int8), "legal": torch.tensor([legal])}
    fields |= {"policy": torch.tensor([policy]), "value": torch.tensor([value])}
    return Batch(fields, torch.zeros(1, dtype=torch.int64))


def test_the_loss_is_the_cross_entropy_among_legal_moves_and_with_the_end() -> None:
    network = Fixed([1.0, 2.0, 50.0, 0, 0, 0, 0, 0, 0, math.log(2), math.log(3), math.log(5)])
    chosen = AlphaZero(network, MOVES, AlphaZeroConfig(value_weight=0.5), input=BOARD)
    policy = [0.25, 0.75] + [0.0] * 7
    found = chosen.loss(batch(policy, -1.0, [True, True] + [False] * 7))
    log_sum = math.log(math.exp(1) + math.exp(2))
    cross = 0.25 * (log_sum - 1) + 0.75 * (log_sum - 2)
    assert found.parts["policy"].item() == pytest.approx(cross)
    assert found.parts["value"].item() == pytest.approx(math.log(10 / 5))  # lost, of which the share was 5 in 10
    assert found.value.item() == pytest.approx(cross + 0.5 * math.log(2))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert found.parts["search_kl"].item() == pytest.approx(cross - entropy, abs=1e-6)


def test_illegal_moves_have_no_gradient() -> None:
    network = Fixed([0.5] * 12)
    chosen = AlphaZero(network, MOVES, AlphaZeroConfig(), input=BOARD)
    legal = [True, False, True] + [False] * 6
    chosen.loss(batch([0.1, 0.0, 0.9] + [0.0] * 6, 0.0, legal)).value.backward()
    assert network.logits.grad is not None
    assert network.logits.grad[:9].ne(0).tolist() == legal


def test_values_are_wins_less_losses() -> None:
    assert expected(torch.tensor([[2.0, 3.0, 5.0]]).log()).tolist() == pytest.approx([-0.3])
    value = torch.tensor([1.0, 0.25, 0.0, -0.5, -1.0])
    shares = end_shares(value)
    assert torch.allclose(shares[:, 0] - shares[:, 2], value)
    assert torch.allclose(shares.sum(1), torch.ones(5))


def test_it_is_judged_in_evaluation_mode_and_trains_on() -> None:
    chosen = AlphaZero(build("policy-value-resnet", BOARD, 9), MOVES, AlphaZeroConfig(), input=BOARD)
    seen = torch.randn(8, 2, 3, 3)
    chosen.network.train()
    together, alone = chosen.judge(seen), chosen.judge(seen[:1])
    assert chosen.network.training
    assert torch.allclose(together[0][:1], alone[0], atol=1e-5)
    assert together[1].abs().max() <= 1


def test_the_network_as_it_was_is_that_of_the_power_of_two_before_the_last() -> None:
    chosen = task()
    assert chosen.abilities.playing is not None
    assert chosen.abilities.playing.earlier() is None
    seen, judged = torch.randn(4, 2, 3, 3), {}
    for step in range(1, 20):
        with torch.no_grad():
            chosen.network.get_parameter("head.bias").add_(0.1 * step)
        judged[step] = chosen.judge(seen)[0]
        chosen.after_step(record(step))
        before = chosen.earlier()
        assert before is not None
        power = 2 ** (step.bit_length() - 1)
        assert torch.equal(before(seen)[0], judged[max(1, power // 2)])
    other = task()
    other.load_state_dict(chosen.state_dict())
    resumed = other.earlier()
    assert resumed is not None
    assert torch.equal(resumed(seen)[0], judged[8])


def test_the_untrained_network_stays_as_it_was_built() -> None:
    chosen, seen = task(), torch.randn(4, 2, 3, 3)
    expected, held = chosen.judge(seen)[0], chosen.state_dict()
    with torch.no_grad():
        chosen.network.get_parameter("head.bias").add_(1.0)
    assert torch.equal(chosen.untrained()(seen)[0], expected)
    assert not torch.equal(chosen.judge(seen)[0], expected)
    assert chosen.state_dict().keys() == held.keys() == {"snapshots"}  # it costs a checkpoint nothing


def record(step: int) -> StepRecord:
    found = object.__new__(StepRecord)
    object.__setattr__(found, "step", step)
    return found


def test_predictions_name_the_move() -> None:
    chosen = task()
    rows = chosen.format_predictions(chosen.predict(Batch({"input": torch.randn(3, 2, 3, 3)}, torch.arange(3))))
    assert len(rows) == 3
    for row in rows:
        assert row["move"] in MOVES.names
        assert row["win"] + row["draw"] + row["loss"] == pytest.approx(1)
        assert row["value"] == pytest.approx(row["win"] - row["loss"], abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"quick_simulations": 65},
            "--quick-simulations 65 is more than --simulations 64; give fewer, or --full-share 1",
        ),
        ({"full_share": 0.0}, "--full-share must be above 0"),
        ({"considered": 0}, "--considered must be at least 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AlphaZeroConfig(**settings)


def test_what_is_not_given_gives_way() -> None:
    assert (AlphaZeroConfig().quick, AlphaZeroConfig(simulations=8).quick) == (16, 8)
    assert (
        AlphaZeroConfig(simulations=8, full_share=1.0, quick_simulations=16).full_share == 1
    )  # nothing is searched quickly


def test_settings_that_change_nothing_beside_others_are_named() -> None:
    assert set(AlphaZeroConfig().without_effect()) == {"drawn_moves"}
    assert set(AlphaZeroConfig(search="puct").without_effect()) == {"considered"}
    assert set(AlphaZeroConfig(full_share=1.0, search="puct").without_effect()) == {"considered", "quick_simulations"}
