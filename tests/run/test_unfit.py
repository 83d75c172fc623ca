"""A batch that cannot be computed, at any step: its rows, and what to do that is right for what they hold."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import sonde
from sonde.core.batch import Batch
from sonde.core.errors import DataError
from sonde.run.unfit import unfitting

X = torch.linspace(-1, 1, 160).reshape(40, 4)
Y = (torch.arange(40) % 2).long()


def told_of(x: Any, y: Any, out: Path, network: nn.Module | None = None, **more: Any) -> str:
    options = {"epochs": 2, "batch_size": 4, "threads": 1, "quiet": True, "out": str(out), "loss": cross_entropy} | more
    options = {name: value for name, value in options.items() if value is not None}
    data = (x, y) if y is not None else x
    with pytest.raises(DataError) as told:
        sonde.fit(network or nn.Linear(4, 2), data, **options)
    assert "\n" not in str(told.value)
    return str(told.value)


def with_value(row: int, value: Any, like: Tensor = Y) -> Tensor:
    found = like.clone()
    found[row] = value
    return found


@pytest.mark.parametrize("how", ["arrays", "loader", "validation", "share"])
def test_a_class_out_of_range_after_the_first_batch_is_named_by_its_row(how: str, tmp_path: Path) -> None:
    bad = with_value(31, 7)
    if how == "loader":
        loader = DataLoader(TensorDataset(X, bad), 4)
        said = told_of(loader, None, tmp_path / "run", batch_size=None)
        assert said.startswith(
            "step 8: the batch (row 28, row 29, row 30, row 31) cannot be computed: Target 7 is out of bounds;"
        )
    elif how == "validation":
        x, y = torch.cat([X] * 4), torch.cat([Y, Y, Y, bad])
        said = told_of(X, Y, tmp_path / "run", validation=(x, y))
        assert said.startswith(
            "step 10, evaluation on validation: a batch (row 128, row 129, row 130, row 131 and 28 more) cannot"
        )
        assert "the target of row 151 is 7" in said
        return
    else:
        said = told_of(X, bad, tmp_path / "run", validation=0.2 if how == "share" else None)
    assert (
        "the target of row 31 is 7, and classes are numbered from 0, and the network needs an output for each: 8 of them"
        in said
    )


def test_labels_from_one_and_rows_without_a_class_have_their_remedies(tmp_path: Path) -> None:
    assert told_of(X, Y + 1, tmp_path / "one").endswith("where they are numbered from 1, give target - 1")
    assert "ignore_index=-1 leaves such rows out" in told_of(X, Y - 1, tmp_path / "minus")
    loss = nn.CrossEntropyLoss(ignore_index=-1)
    sonde.fit(nn.Linear(4, 2), (X, Y - 1), loss=loss, epochs=1, threads=1, quiet=True, out=str(tmp_path / "well"))


def test_targets_as_floats_become_classes_only_where_they_are_whole(tmp_path: Path) -> None:
    assert told_of(X, Y.float(), tmp_path / "a").endswith("; give the targets as target.long()")
    said = told_of(X, Y + 0.5, tmp_path / "b", batch_size=40)
    assert re.search(
        r"the target of row \d+ is [01].5, which is no class number; for numbers give a loss such as torch.nn", said
    )
    gap = with_value(0, torch.nan, Y.float())
    assert "is not a number; leave such rows out" in told_of(X, gap, tmp_path / "c", batch_size=40)


def test_texts_and_ragged_rows_are_told_what_they_become(tmp_path: Path) -> None:
    names = np.array(["cat", "dog"])[Y.numpy()]
    assert "holds texts; give classes as numbers, np.unique(y, return_inverse=True)[1]" in told_of(
        X, names, tmp_path / "a"
    )
    ragged = [[1.0] * (1 + row % 3) for row in range(40)]
    assert "input has rows of 1 to 3 entries; pad them" in told_of(ragged, Y, tmp_path / "b")
    classes = np.unique(names, return_inverse=True)[1]
    assert classes.tolist() == Y.tolist()


def test_numbers_of_other_kinds_say_which_side_to_change(tmp_path: Path) -> None:
    for kind in (torch.bfloat16, torch.float16, torch.bool, torch.int32):
        assert told_of(X.to(kind), Y, tmp_path / "a").endswith("; give the inputs as floats, such as input.float()")
    assert "give the network as net.float()" in told_of(X, Y, tmp_path / "b", nn.Linear(4, 2).half())


def test_a_token_that_an_embedding_has_no_entry_for_is_named(tmp_path: Path) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(self.words(tokens).mean(1))

    tokens = with_value(31, 10, torch.zeros(40, 3, dtype=torch.int64))
    said = told_of(tokens, Y, tmp_path / "run", Words())
    assert "index out of range in self (test_unfit.py line" in said
    assert "; input of row 31 holds 10; an embedding needs an entry for each number" in said


def test_steps_of_one_s_own_loop_are_named_too() -> None:
    with pytest.raises(DataError, match=r"step \d+: the batch .*the target of row 31 is 7"):
        list(
            sonde.steps(nn.Linear(4, 2), (X, with_value(31, 7)), loss=cross_entropy, total=20, batch_size=4, threads=1)
        )


def test_other_errors_of_the_caller_s_code_are_left_alone() -> None:
    batch = Batch({"input": X, "target": Y}, torch.arange(40))
    assert unfitting(ValueError("my own check failed"), batch, "the batch", later=True) is None
    assert unfitting(RuntimeError("sizes"), None, "the batch") is None


IMAGES = torch.linspace(0, 1, 40 * 64).reshape(40, 1, 8, 8)


def test_a_forgotten_flatten_is_told_and_mended(tmp_path: Path) -> None:
    conv, head = nn.Conv2d(1, 2, 3), nn.Linear(72, 2)
    assert told_of(IMAGES, Y, tmp_path / "a", nn.Sequential(conv, head)).endswith("put nn.Flatten() before it")
    said = told_of(IMAGES, Y, tmp_path / "b", nn.Sequential(nn.Linear(8, 2)))
    assert said.endswith("such as with nn.Flatten() before the last layer, or out[:, -1] of a recurrent one")
    sonde.fit(
        nn.Sequential(conv, nn.Flatten(), head),
        (IMAGES, Y),
        loss=cross_entropy,
        epochs=1,
        quiet=True,
        out=str(tmp_path / "well"),
    )


def test_images_with_channels_last_are_told_and_mended(tmp_path: Path) -> None:
    last = IMAGES.expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    assert told_of(last, Y, tmp_path / "a", network).endswith("give the inputs as input.permute(0, 3, 1, 2)")
    sonde.fit(
        network, (last.permute(0, 3, 1, 2), Y), loss=cross_entropy, epochs=1, quiet=True, out=str(tmp_path / "well")
    )


def test_losses_that_are_called_wrongly_say_how(tmp_path: Path) -> None:
    flat = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    with torch.no_grad():
        next(flat.parameters()).fill_(1)  # so that it gives what is no probability
    said = told_of(3 * X, Y.float(), tmp_path / "a", flat, loss=nn.functional.binary_cross_entropy)
    assert (
        "give torch.nn.functional.binary_cross_entropy_with_logits for logits, or end the network in nn.Sigmoid()"
        in said
    )
    said = told_of(X, Y, tmp_path / "b", loss=lambda output, target: cross_entropy(target, output))
    assert said.endswith("in this order: give cross_entropy(output, target)")


def test_a_recurrent_layer_gives_a_pair(tmp_path: Path) -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.head = nn.LSTM(4, 3, batch_first=True), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.cell(x))

    assert told_of(X[:, None], Y, tmp_path / "a", Reads()).endswith("returns (outputs, state); take its [0]")


def test_a_layer_after_flat_rows_is_not_told_to_flatten(tmp_path: Path) -> None:
    x = torch.zeros(40, 1, 4, 4)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 10), nn.Linear(3, 2))
    said = told_of(x, Y, tmp_path / "run", network)
    assert said.endswith(
        "; what reaches that layer has 10 numbers a row, and it reads 3: nn.Linear(10, 2) reads them all"
    )
    said = told_of(x, Y, tmp_path / "other", nn.Sequential(nn.Linear(16, 2)))
    assert said.endswith("to read all of a row put nn.Flatten() before it")
