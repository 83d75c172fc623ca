import numpy as np
import pytest
import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.vocabulary import Characters
from sonde.data.rows import Sequences
from sonde.modalities.text.windows import Streams, Windows, moved
from sonde.tasks.language_model.config import LanguageModelConfig
from sonde.tasks.language_model.task import LanguageModel


def windows(tokens: int, length: int) -> Windows:
    """Tokens 1, 2, 3, …: each is followed by one more."""
    return Windows(tokens=np.arange(1, tokens + 1, dtype=np.int32), length=length, places=((0, "a.txt"),))


def batch_of(rows: Windows, *indices: int) -> Batch:
    fields = {name: torch.from_numpy(field) for name, field in rows.read(np.array(indices)).items()}
    return Batch(fields, torch.tensor(indices))


@pytest.mark.parametrize("tokens", [9, 10, 11, 12, 13, 2])
def test_every_token_but_the_first_is_a_target_once(tokens: int) -> None:
    rows = windows(tokens, 4)
    read = rows.read(np.arange(len(rows)))
    assert [n for n in read["target"].flatten().tolist() if n] == list(range(2, tokens + 1))
    assert ((read["input"] == read["target"] - 1) | (read["target"] == 0)).all()
    assert (read["input"][read["target"] == 0] == 0).all()
    assert rows.lengths().tolist() == (read["target"] != 0).sum(1).tolist()
    assert (rows.targets() == read["target"]).all()
    assert isinstance(rows, Sequences)


def test_a_window_knows_its_place_in_its_file() -> None:
    rows = Windows(tokens=np.ones(40, np.int32), length=8, places=((0, "a.txt"), (10, "b.txt")), word="character")
    assert [rows.describe(n) for n in (0, 1, 2)] == ["a.txt character 0", "a.txt character 8", "b.txt character 6"]


def test_a_long_text_is_summed_up_by_how_often_each_token_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = np.random.default_rng(0).integers(4, 9, 500).astype(np.uint8)
    rows = Windows(tokens=tokens, length=8, places=((0, "a.txt"),), counts=np.bincount(tokens, minlength=12))
    whole = rows.truth()
    assert list(whole) == ["target"]
    monkeypatch.setattr("sonde.modalities.text.windows.COUNTED", 499)
    found = rows.truth()
    follows = whole["target"][whole["target"] != 0]
    assert np.array_equal(found["times"], np.bincount(follows)[found["target"]])
    assert found["times"].sum() == 499
    target = TargetSpec(kind="next", names=(), tokenizer=Characters(tuple("abcdefgh")).to_json(), symbols=12)
    task = LanguageModel(nn.Embedding(12, 12), target, LanguageModelConfig())
    said, exact = task.trivial_baseline(*({"target": torch.as_tensor(whole["target"]).float()},) * 2)
    again, summed = task.trivial_baseline(
        *({name: torch.as_tensor(field).float() for name, field in found.items()},) * 2
    )
    assert said == again
    assert summed == pytest.approx(exact, rel=1e-6)


def test_moved_windows_begin_everywhere_and_stay_the_text() -> None:
    rows = windows(41, 8)  # 5 whole windows
    begun: set[int] = set()
    for seed in range(200):
        found = moved(batch_of(rows, 0, 1, 2, 3, 4), torch.Generator().manual_seed(seed))
        assert torch.equal(found["target"], found["input"] + 1)
        assert torch.equal(found["input"].diff(dim=1), torch.ones(5, 7, dtype=torch.int64))
        assert found["input"].shape == found["target"].shape == (5, 8)
        begun |= set(found["input"][:, 0].tolist())
        places = found["input"][:, 0] - 1 - torch.arange(5) * 8
        assert bool(((places >= 0) & (places < 8)).all())
    assert begun == set(range(1, 34))  # the last window can begin nowhere else: the text ends with it


def test_a_window_at_the_end_keeps_its_padding() -> None:
    found = moved(batch_of(windows(12, 8), 1), torch.Generator().manual_seed(0))
    assert found["input"].tolist() == [[9, 10, 11, 0, 0, 0, 0, 0]]
    assert found["target"].tolist() == [[10, 11, 12, 0, 0, 0, 0, 0]]


def test_how_far_windows_move_depends_on_the_generator_alone() -> None:
    given = batch_of(windows(100, 8), 0, 3, 5)
    first, again, other = (moved(given, torch.Generator().manual_seed(seed))["input"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_streams_go_on_from_batch_to_batch() -> None:
    order = Streams(windows=23, batch_size=4, seed=0, training=True)
    batches = order.of_epoch(0).split(4)
    assert (len(batches), order.batches, order.rows) == (5, 5, 20)
    for before, after in zip(batches, batches[1:], strict=False):
        assert torch.equal(after, before + 1)
    assert torch.equal(order.of_epoch(0), order.of_epoch(3))


@pytest.mark.parametrize("count", [3, 4, 23])
def test_streams_judge_every_window_once(count: int) -> None:
    order = Streams(windows=count, batch_size=4, seed=0, training=False)
    rows = order.of_epoch(0)
    assert sorted(rows.tolist()) == list(range(count))
    assert (order.rows, order.batches) == (count, len(rows.split(4)))
