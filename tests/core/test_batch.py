"""Rows, their fields, and pieces of them."""

import pytest
import torch

from sonde.core.batch import Batch


def rows(count: int) -> Batch:
    index = torch.arange(count) * 7
    return Batch({"input": torch.randn(count, 3), "target": index % 5}, index)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 100])
def test_pieces_hold_every_row_once_in_order_and_almost_equally_many(count: int, pieces: int) -> None:
    whole = rows(count)
    parts = whole.split(pieces)
    sizes = [len(part) for part in parts]
    assert len(parts) == min(pieces, count)
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1
    assert torch.equal(torch.cat([part.index for part in parts]), whole.index)
    for name in whole.fields:
        assert torch.equal(torch.cat([part[name] for part in parts]), whole[name])


def test_one_piece_is_the_batch_itself_and_pieces_share_its_memory() -> None:
    whole = rows(6)
    assert whole.split(1)[0] is whole
    assert whole.split(2)[1]["input"].data_ptr() == whole["input"][3:].data_ptr()


def test_fields_are_asked_for_by_name() -> None:
    batch = rows(4)
    assert "input" in batch
    assert "mask" not in batch
    with pytest.raises(KeyError, match=r"batch has no field 'mask'; it has \['input', 'target'\]"):
        batch["mask"]


def test_fields_move_and_the_index_stays() -> None:
    moved = rows(4).to(torch.device("meta"))
    assert {field.device.type for field in moved.fields.values()} == {"meta"}
    assert moved.index.device.type == "cpu"


def test_fields_are_read_by_place_and_usual_names_stand_for_input_and_target() -> None:
    image, label = torch.zeros(4, 2), torch.arange(4)
    batch = Batch({"image": image, "label": label}, torch.arange(4))
    x, y = batch
    assert x is batch[0] is batch["input"] is image
    assert y is batch[-1] is batch["target"] is label
    assert "input" in batch
    with pytest.raises(IndexError, match="batch has no field number 2; it has 2: image, label"):
        batch[2]
    both = Batch({"image": image, "x": image}, torch.arange(4))
    with pytest.raises(KeyError, match=r"batch has no field 'input'; it has \['image', 'x'\]"):
        both["input"]


def test_nested_fields_and_lists_are_cut_and_moved() -> None:
    index = torch.arange(5)
    whole = Batch({"input": (index * 1.0, {"m": index * 2.0}), "id": list("abcde")}, index)
    first, second = whole.split(2)
    assert first["input"][0].tolist() == [0, 1, 2]
    assert second["input"][1]["m"].tolist() == [6, 8]
    assert (first["id"], second["id"]) == (["a", "b", "c"], ["d", "e"])
    chosen = whole.rows(torch.tensor([4, 0]))
    assert (chosen["id"], chosen["input"][0].tolist(), chosen.index.tolist()) == (["e", "a"], [4, 0], [4, 0])
    moved = whole.to(torch.device("meta"))
    assert moved["input"][1]["m"].device.type == "meta"
    assert moved["id"] == list("abcde")
