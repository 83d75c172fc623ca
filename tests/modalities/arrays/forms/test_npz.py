"""NPZ and NPY files: which array is which, and files that cannot be used."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sample_places import form
from sample_settings import data_config

from sonde.core.config import DataConfig, FeedConfig
from sonde.core.errors import DataError
from sonde.data.feed.build import build_source
from sonde.data.feed.decide import decide
from sonde.data.feed.layout import is_mapped
from sonde.data.splits import labels_of, targets_of
from sonde.modalities.arrays.forms import npz
from sonde.modalities.arrays.forms.npz import find_keys
from sonde.modalities.open import open_data

read, recognise = form(npz)

RNG = np.random.default_rng(0)
CPU = torch.device("cpu")
X, Y = RNG.integers(0, 256, (40, 8, 8), dtype=np.uint8), np.arange(40) % 4


def test_the_keras_form(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=X, y_train=Y, x_test=X[:10], y_test=Y[:10])
    data = read(tmp_path / "mnist.npz", DataConfig(validation=0))
    assert data.name == "mnist"
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 40, "test": 10}
    assert data.schema.input.shape == (1, 8, 8)
    assert (labels_of(data.splits["test"]) == Y[:10]).all()
    assert data.splits["test"].describe(3) == "mnist.npz 'x_test' row 3"


@pytest.mark.parametrize("names", [("x_test", "y_test"), ("val_images", "val_labels"), ("x_test", "classes_of_it")])
def test_arrays_for_testing_alone_are_evaluated_on_and_not_trained_on(tmp_path: Path, names: tuple[str, str]) -> None:
    parts: dict[str, Any] = dict(zip(names, (X, Y), strict=True))
    np.savez(tmp_path / "a.npz", **parts)
    refused = rf"a\.npz has only arrays for (test|validation) \({names[0]}, {names[1]}\), which are not trained on; add"
    with pytest.raises(DataError, match=refused):
        read(tmp_path / "a.npz", DataConfig())
    np.savez(tmp_path / "b.npz", x_train=X, y_train=Y)  # as the message says
    trained = read(tmp_path / "b.npz", DataConfig())
    assert list(trained.splits) == ["train", "validation", "test"]
    found = read(tmp_path / "a.npz", DataConfig(), like=trained.schema).splits
    assert {split: len(rows) for split, rows in found.items()} == {"test": 40}


def test_the_medmnist_form_with_labels_in_a_column(tmp_path: Path) -> None:
    y = Y[:, None].astype(np.uint8)
    parts: dict[str, Any] = {
        f"{split}_{role}": a for split in ("train", "val", "test") for role, a in (("images", X), ("labels", y))
    }
    np.savez_compressed(tmp_path / "pathmnist.npz", **parts)
    data = read(tmp_path / "pathmnist.npz", DataConfig())
    assert list(data.splits) == ["train", "validation", "test"]
    assert all(len(rows) == 40 for rows in data.splits.values())
    assert data.schema.target.kind == "class"


@pytest.mark.parametrize(
    "names", [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target"), ("features", "label"), ("a", "b")]
)
def test_names_that_are_understood(tmp_path: Path, names: tuple[str, str]) -> None:
    arrays: dict[str, Any] = dict(zip(names, (X, Y), strict=True))
    np.savez(tmp_path / "set.npz", **arrays)
    data = read(tmp_path / "set.npz", DataConfig(validation=0, test=0))
    assert (targets_of(data.splits["train"]) == Y).all()


def test_names_of_the_classes_are_not_targets(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X, y=Y, names=np.array(["ant", "bee", "cat", "dog"]))
    assert read(tmp_path / "set.npz", DataConfig()).schema.target.names == ("ant", "bee", "cat", "dog")


def test_a_folder_of_npy_files(tmp_path: Path) -> None:
    for name, array in {"x_train": X, "y_train": Y, "x_test": X[:8], "y_test": Y[:8]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    assert recognise(tmp_path) == "it holds x_test.npy, x_train.npy, y_test.npy"
    data = read(tmp_path, DataConfig(validation=0))
    assert data.form == "NPY files"
    assert data.splits["test"].describe(2) == "x_test.npy row 2"


def test_one_npy_file_finds_its_other_half(tmp_path: Path) -> None:
    np.save(tmp_path / "digits_images.npy", X)
    np.save(tmp_path / "digits_labels.npy", Y)
    assert len(read(tmp_path / "digits_images.npy", DataConfig(test=0, validation=0)).splits["train"]) == 40
    (tmp_path / "digits_labels.npy").unlink()
    with pytest.raises(DataError, match=r"digits_images.npy has only inputs or only targets"):
        read(tmp_path / "digits_images.npy", DataConfig())


def test_flat_arrays_are_standardised_by_their_training_rows(tmp_path: Path) -> None:
    x = RNG.normal(50, 3, (60, 5))
    x[:, 4] = 7.0  # constant
    np.savez(tmp_path / "set.npz", x_train=x[:40], y_train=x[:40, 0], x_test=x[40:], y_test=x[40:, 0])
    data = read(tmp_path / "set.npz", DataConfig(validation=0))
    inputs = data.splits["train"].read(np.arange(40))["input"]
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs[:, :4].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs[:, :4].std(0), 1, atol=1e-5)
    assert (inputs[:, 4] == 0).all()
    columns = data.schema.input.columns
    np.testing.assert_allclose([c.mean for c in columns], x[:40].mean(0), rtol=1e-6)
    np.testing.assert_allclose([c.std for c in columns[:4]], x[:40, :4].std(0), rtol=1e-5)
    held = data.splits["test"].read(np.arange(20))["input"]
    np.testing.assert_allclose(held[:, :4], (x[40:, :4] - x[:40, :4].mean(0)) / x[:40, :4].std(0), rtol=1e-3, atol=1e-4)
    target = data.schema.target
    assert target.kind == "value"
    assert target.mean == pytest.approx((x[:40, 0].mean(),))


def test_many_features_have_the_mean_and_std_that_they_have_alone(tmp_path: Path) -> None:
    x = RNG.normal(50, 9, (6000, 1025))
    columns = []
    for name, some in (("all", slice(None)), ("few", slice(1020, 1025))):
        np.savez(tmp_path / f"{name}.npz", x=x[:, some], y=np.arange(6000) % 3)
        columns.append(read(tmp_path / f"{name}.npz", DataConfig()).schema.input.columns[-5:])
    assert [(column.mean, column.std) for column in columns[0]] == [(column.mean, column.std) for column in columns[1]]


def test_means_far_from_zero_keep_their_spread(tmp_path: Path) -> None:
    x = 1e6 + RNG.normal(size=(6000, 2))
    np.savez(tmp_path / "set.npz", x=x.astype(np.float32), y=np.arange(6000) % 2)
    columns = read(tmp_path / "set.npz", DataConfig(validation=0, test=0)).schema.input.columns
    np.testing.assert_allclose([c.std for c in columns], x.astype(np.float32).std(0, dtype=np.float64), rtol=1e-6)


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path, DataConfig())
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_keys_that_say_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", a=X, b=Y, c=Y)
    assert refused(tmp_path / "set.npz") == (
        "set.npz has no array named as the input or target; it holds a (40, 8, 8), b (40,), c (40,); "
        "call them x and y, or x_train, y_train, x_test, y_test"
    )


def test_two_arrays_for_one_role() -> None:
    with pytest.raises(DataError, match="'images' and 'x' both look like train inputs; keep one"):
        find_keys({"x": X, "images": X, "y": Y}, "set.npz")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X, y=np.array([{"a": 1}] * 40, dtype=object))
    assert refused(tmp_path / "set.npz").startswith(
        "set.npz 'y' holds pickled Python objects, which could run any code"
    )
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array([None], dtype=object))
    assert refused(tmp_path / "x.npy").startswith("y.npy holds pickled Python objects")


def test_damaged_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X, y=Y)
    whole = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "set.npz").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / "set.npz").startswith("set.npz is damaged or not a NumPy file (File is not a zip file)")
    (tmp_path / "set.npz").write_bytes(whole[:500] + bytes(8) + whole[508:])
    assert refused(tmp_path / "set.npz").startswith("set.npz 'x' is damaged or not a NumPy file (Bad CRC-32")


def test_unequal_lengths(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X, y=Y[:39])
    assert refused(tmp_path / "set.npz") == ("train: 40 inputs, but 39 targets in set.npz 'y'; each input needs one")


def test_nan_inputs_name_the_row(tmp_path: Path) -> None:
    x = RNG.normal(size=(40, 3))
    x[17, 1] = np.nan
    np.savez(tmp_path / "set.npz", x=x, y=Y)
    assert refused(tmp_path / "set.npz").startswith("set.npz 'x' row 17 holds nan;")


def test_splits_of_other_shapes(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x_train=X, y_train=Y, x_test=X[:, :6], y_test=Y)
    assert "'x_test' has inputs of shape (6, 8), but set.npz 'x_train' (8, 8)" in refused(tmp_path / "set.npz")


def test_arrays_are_resized_when_asked(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=X, y=Y)
    data = read(tmp_path / "set.npz", data_config(image_size=16))
    assert data.schema.input.shape == (1, 16, 16)
    assert any(fact.what == "images resized from 8x8 to 16x16" for fact in data.facts)


LAYOUTS = {
    "bytes": RNG.integers(0, 256, (40, 8, 9, 3), dtype=np.uint8),
    "grey": X,
    "floats": RNG.random((40, 8, 8)).astype(np.float32),
    "doubles": RNG.random((40, 3, 8, 8)) * 255,
    "numbers": RNG.normal(50, 9, (40, 700)).astype(np.float32),
    "fortran": np.asfortranarray(RNG.normal(50, 9, (40, 7))),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", list(LAYOUTS))
def test_arrays_that_stay_on_disk_are_those_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, compressed: bool
) -> None:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "a.npz", x=LAYOUTS[name], y=Y)
    (tmp_path / "npy").mkdir()
    for key, array in {"x": LAYOUTS[name], "y": Y}.items():
        np.save(tmp_path / "npy" / f"{key}.npy", array)
    expected = read(tmp_path / "a.npz", DataConfig())
    monkeypatch.setattr("sonde.modalities.arrays.forms.npz.MAPPED", 0)
    for place in ("a.npz", "npy"):
        found = read(tmp_path / place, DataConfig())
        assert found.schema == expected.schema
        assert [fact.what for fact in found.facts] == [fact.what for fact in expected.facts]
        for split, rows in found.splits.items():
            assert is_mapped(rows) == (place == "npy" or not compressed)
            assert rows.nbytes() == expected.splits[split].nbytes()
            every = RNG.permutation(len(rows))
            read_now, in_memory = rows.read(every), expected.splits[split].read(every)
            assert read_now["input"].dtype == in_memory["input"].dtype
            assert all(np.array_equal(read_now[field], in_memory[field]) for field in in_memory)


@pytest.mark.parametrize("name", ["bytes", "numbers"])
def test_batches_from_disk_and_from_memory_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    np.savez(tmp_path / "a.npz", x=LAYOUTS[name], y=Y)
    loaded = read(tmp_path / "a.npz", DataConfig())
    monkeypatch.setattr("sonde.modalities.arrays.forms.npz.MAPPED", 0)
    mapped = read(tmp_path / "a.npz", DataConfig())
    decisions, epochs = [], []
    for dataset, memory in ((loaded, "50%"), (mapped, "50%"), (mapped, "1kB")):
        config = FeedConfig(batch_size=8, memory=memory)
        decisions.append(decide(dataset, config, free_bytes=10**9).kind)
        source = build_source(
            dataset.splits["train"], dataset.schema, config, training=True, seed=0, device=CPU, kind=decisions[-1]
        )
        epochs.append([batch for _ in range(2) for batch in source])
    assert decisions == ["resident", "resident", "streaming"]
    for batches in zip(*epochs, strict=True):
        assert all(torch.equal(batches[0][field], batch[field]) for batch in batches for field in batch.fields)


def test_images_on_disk_are_resized_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", x=LAYOUTS["floats"], y=Y)
    expected = read(tmp_path / "a.npz", data_config(image_size=16))
    monkeypatch.setattr("sonde.modalities.arrays.forms.npz.MAPPED", 0)
    found = read(tmp_path / "a.npz", data_config(image_size=16))
    assert found.schema == expected.schema
    one, other = (d.splits["train"].read(np.arange(9))["input"] for d in (found, expected))
    assert np.array_equal(one, other)


def test_a_number_on_disk_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.modalities.arrays.forms.npz.MAPPED", 0)
    x = LAYOUTS["numbers"].copy()
    x[17, 3] = np.inf
    np.savez(tmp_path / "a.npz", x=x, y=Y)
    assert "'x' row 17 holds inf" in refused(tmp_path / "a.npz")


def test_pickled_objects_are_not_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonde.modalities.arrays.forms.npz.MAPPED", 0)
    np.savez(tmp_path / "a.npz", x=np.array([{}] * 9, dtype=object), y=Y[:9])
    assert "holds pickled Python objects" in refused(tmp_path / "a.npz")


def test_headers_that_promise_more_than_follows_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 5)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(100))
        archive.writestr("y.npy", header.getvalue() + bytes(100))
    (tmp_path / "x.npy").write_bytes(header.getvalue() + bytes(100))
    np.save(tmp_path / "y.npy", np.zeros(3))
    for name in ("a.npz", "x.npy"):
        with pytest.raises(
            DataError, match=r"promises 20,000,000,000,000 bytes for shape \(1000000000000, 5\), and 100 follow"
        ):
            open_data(str(tmp_path / name), DataConfig())


def test_a_header_whose_length_lies_is_refused_without_taking_as_much(tmp_path: Path) -> None:
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{'descr': '<f4'}"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    (tmp_path / "x.npy").write_bytes(content)
    np.save(tmp_path / "y.npy", np.zeros(3))
    for name in ("a.npz", "x.npy"):
        with pytest.raises(DataError, match="its header claims to be 2,147,483,648 bytes long"):
            open_data(str(tmp_path / name), DataConfig())


def test_a_single_number_is_no_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.array(3.0), y_train=np.arange(3))
    with pytest.raises(DataError, match=r"a.npz 'x_train' holds a single number; inputs are \(rows, features\)"):
        open_data(str(tmp_path / "a.npz"), DataConfig())
