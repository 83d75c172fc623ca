import numpy as np
import torch

from sonde.core.config import FeedConfig
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.data.feed.build import build_source
from sonde.data.feed.source import BatchSource
from sonde.data.feed.streaming import StreamingReader
from sonde.data.ragged import Numbered, RaggedRows, end_to_end
from sonde.data.splits import SubsetRows

ROWS = 230
SCHEMA = Schema(
    input=InputSpec(kind="tokens", shape=(20,), symbols=99), target=TargetSpec(kind="class", names=("a", "b", "c"))
)


def rows() -> RaggedRows:
    drawn = np.random.default_rng(0)
    lists = [drawn.integers(4, 99, drawn.integers(1, 21)).tolist() for _ in range(ROWS)]
    names = Numbered("train.tsv", np.arange(1, ROWS + 1))
    return RaggedRows(ragged={"input": end_to_end(lists)}, fixed={"target": np.arange(ROWS) % 3}, names=names)


def source(*, training: bool = True, bucket: bool = True, seed: int = 0) -> BatchSource:
    return build_source(
        rows(),
        SCHEMA,
        FeedConfig(batch_size=16, bucket=bucket),
        training=training,
        seed=seed,
        device=torch.device("cpu"),
        kind="resident",
    )


def test_a_batch_is_as_wide_as_its_longest_row() -> None:
    reader = StreamingReader(rows(), torch.device("cpu"), batch_size=2)
    found = list(reader.read([torch.tensor([3, 1]), torch.tensor([7])]))
    assert found[0]["input"].dtype == torch.int64
    assert [batch["input"].shape[1] for batch in found] == [max(rows().lengths()[[3, 1]]), rows().lengths()[7]]
    assert found[1]["input"][0].tolist() == rows().ragged["input"][7].tolist()


def test_every_row_comes_once_an_epoch_with_its_own_content() -> None:
    held = rows()
    for bucket in (True, False):
        seen = []
        for batch in source(bucket=bucket):
            for row, tokens, target in zip(batch.index.tolist(), batch["input"], batch["target"], strict=True):
                assert tokens[tokens != 0].tolist() == held.ragged["input"][row].tolist()
                assert int(target) == row % 3
                seen.append(row)
        assert sorted(seen) == list(range(ROWS))


def test_batches_hold_rows_of_like_length() -> None:
    padded = {bucket: _padding(source(bucket=bucket)) for bucket in (True, False)}
    assert padded[True] < 0.1
    assert padded[False] > 0.3


def _padding(batches: BatchSource) -> float:
    """Share of places that hold no token, the last batch aside, which takes what is left."""
    whole = [batch["input"] for batch in batches][:-1]
    return float(sum((tokens == 0).sum() for tokens in whole)) / sum(tokens.numel() for tokens in whole)


def test_going_on_within_an_epoch_gives_the_very_batches_that_were_to_come() -> None:
    straight = source()
    straight_batches = [batch.index.tolist() for _ in range(2) for batch in straight]
    for cut in (1, 7, 14, 15, 16, 29):
        first = source()
        seen = []
        while len(seen) < cut:
            for batch in first:
                seen.append(batch.index.tolist())
                if len(seen) == cut:
                    break
        second = source()
        second.load_state_dict(first.state_dict())
        while len(seen) < len(straight_batches):
            seen += [batch.index.tolist() for batch in second]
        assert seen == straight_batches, cut


def test_epochs_and_seeds_draw_other_batches() -> None:
    one = source()
    epochs = [[batch.index.tolist() for batch in one] for _ in range(2)]
    assert epochs[0] != epochs[1]
    assert epochs[0] != [batch.index.tolist() for batch in source(seed=1)]
    assert epochs[0] == [batch.index.tolist() for batch in source()]


def test_views_of_rows_are_bucketed_by_their_own_lengths() -> None:
    some = SubsetRows(rows(), np.arange(ROWS - 1, 99, -1))
    batches = build_source(
        some, SCHEMA, FeedConfig(batch_size=16), training=False, seed=0, device=torch.device("cpu"), kind="resident"
    )
    widths = [batch["input"].shape[1] for batch in batches]
    assert widths == sorted(widths, reverse=True)  # evaluated the longest first
    first = next(iter(batches))
    held = rows().ragged["input"]
    assert first["input"][0].tolist() == held[ROWS - 1 - int(first.index[0])].tolist()
