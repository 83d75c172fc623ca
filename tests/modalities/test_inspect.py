"""Each planted fault is found, named with its place, and found alone; clean data has no finding."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image import shards
from sonde.modalities.inspect import Inspection, inspect

CLASSES = ("cat", "dog", "fox")


def picture(rng: np.random.Generator) -> np.ndarray:
    """(40, 40, 3) uint8: a few broad waves."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40)))
    waves = [np.sin(np.tensordot(rng.normal(0, 8, 2), grid, 1) + rng.uniform(0, 6.28)) for _ in range(5)]
    tint = rng.uniform(0.7, 1.0, 3)
    return ((128 + 45 * np.sum(waves, axis=0))[..., None].clip(0, 255) * tint).astype(np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """train with 20 and test with 6 pictures a class."""
    rng = np.random.default_rng(0)
    for split, n in (("train", 20), ("test", 6)):
        for name in CLASSES:
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for number in range(n):
                Image.fromarray(picture(rng)).save(folder / f"{number}.png")
    return tmp_path / "photos"


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "id": np.arange(1000, 1000 + n),
            "weight": (3 + kind + rng.normal(0, 1, n)).round(4),
            "length": rng.normal(50, 9, n).round(4),
            "colour": rng.choice(["red", "green", "blue"], n),
            "species": np.where(kind, "newt", "toad"),
        }
    )


def look(data: object, **settings: object) -> Inspection:
    return inspect(data, data_config(**settings))  # pyright: ignore[reportArgumentType]


def by_check(found: Inspection) -> dict[str, str]:
    return {finding.check: finding.evidence for finding in found.findings}


def written(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path


def test_clean_images_have_no_finding(photos: Path) -> None:
    found = look(photos, validation=0)
    assert found.findings == ()
    assert (found.name, found.form) == ("photos", "class folders")
    titles = {listing.title: listing for listing in found.tables}
    assert titles["classes"].columns == ("class", "train", "test")
    assert titles["classes"].rows == (("cat", "20", "6"), ("dog", "20", "6"), ("fox", "20", "6"))
    assert titles["image sizes (1 kinds, height x width)"].rows == (("40x40 RGB", "78"),)


def test_an_exact_copy_across_splits_is_named(photos: Path) -> None:
    (photos / "test" / "dog" / "9.png").write_bytes((photos / "train" / "dog" / "4.png").read_bytes())
    assert by_check(look(photos, validation=0)) == {
        "exact copies across splits": "1 of 19 test images are also in another split: "
        "train train/dog/4.png = test test/dog/9.png"
    }


def test_the_same_pixels_in_another_format_are_an_exact_copy(photos: Path) -> None:
    Image.open(photos / "train" / "dog" / "4.png").save(photos / "test" / "dog" / "9.bmp")
    assert set(by_check(look(photos, validation=0))) == {"exact copies across splits"}


def test_a_re_encoded_copy_across_splits_is_named(photos: Path) -> None:
    Image.open(photos / "train" / "fox" / "2.png").save(photos / "test" / "fox" / "x.jpg", quality=70)
    assert by_check(look(photos, validation=0)) == {
        "re-encoded copies across splits": "1 of 19 test images are also in another split: "
        "train train/fox/2.png = test test/fox/x.jpg"
    }


def test_an_exact_copy_that_was_also_saved_anew_is_both(photos: Path) -> None:
    original = photos / "train" / "fox" / "2.png"
    (photos / "train" / "fox" / "20.png").write_bytes(original.read_bytes())
    Image.open(original).save(photos / "test" / "fox" / "x.jpg", quality=70)
    assert set(by_check(look(photos, validation=0))) == {
        "exact copies within a split",
        "re-encoded copies across splits",
    }


def test_pairs_inside_parquet_do_not_read_it_again_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, saved = np.random.default_rng(3), []
    for _ in range(40):
        original = Image.fromarray(picture(rng))
        for kind in ("PNG", "JPEG"):
            stream = io.BytesIO()
            original.save(stream, kind, **({"quality": 85} if kind == "JPEG" else {}))
            saved.append(stream.getvalue())
    order = rng.permutation(80)
    columns = {"image": [saved[i] for i in order], "label": [int(i) // 2 % 2 for i in order]}
    pq.write_table(pa.table(columns), tmp_path / "photos.parquet", row_group_size=4)
    reads: list[int] = []
    real = shards._read_arrays
    monkeypatch.setattr(shards, "_read_arrays", lambda *asked: reads.append(asked[2]) or real(*asked))
    assert any(check.startswith("re-encoded copies") for check in by_check(look(tmp_path / "photos.parquet")))
    assert len(reads) < 120  # of 20 row groups: five looks at all rows, and none for a pair alone


@pytest.mark.parametrize(("suffix", "alike"), [("png", "exact"), ("jpg", "re-encoded")])
def test_a_class_folder_that_copies_another_is_named(photos: Path, suffix: str, alike: str) -> None:
    (photos / "train" / "kitten").mkdir()
    for number in range(12):
        original = Image.open(photos / "train" / "cat" / f"{number}.png")
        original.save(photos / "train" / "kitten" / f"k{number}.{suffix}", quality=80)  # PNG takes no notice of it
    found = by_check(look(photos, validation=0))
    assert found["class copies another"] == (
        f"12 of 12 images (100 %) of class 'kitten' are {alike} copies of some in 'cat'"
    )
    assert f"{alike} copies under different labels" not in found


def test_one_picture_in_two_classes_is_a_dispute(photos: Path) -> None:
    (photos / "train" / "fox" / "30.png").write_bytes((photos / "train" / "dog" / "4.png").read_bytes())
    found = by_check(look(photos, validation=0))
    assert found["exact copies under different labels"] == (
        "1 group of equal images have more than one label: train train/dog/4.png (dog) = train train/fox/30.png (fox)"
    )


def test_an_unreadable_image_is_named_and_the_rest_is_still_inspected(photos: Path) -> None:
    bad = photos / "train" / "cat" / "3.png"
    bad.write_bytes(bad.read_bytes()[:200])
    found = look(photos, validation=0)
    assert set(by_check(found)) == {"unreadable files"}
    assert "train/cat/3.png" in by_check(found)["unreadable files"]
    assert found.tables[0].rows[0] == ("cat", "19", "6")


def test_a_tiny_class_is_named_with_its_rows(photos: Path) -> None:
    for number in range(4, 20):
        (photos / "train" / "fox" / f"{number}.png").unlink()
    assert by_check(look(photos, validation=0)) == {"tiny classes": "fewer than 10 training rows: 'fox' (4)"}


def test_a_clean_table_has_no_finding_and_its_columns_are_listed(tmp_path: Path) -> None:
    found = look(written(table(), tmp_path / "pond.csv"), target=("species",))
    assert found.findings == ()
    columns = next(listing for listing in found.tables if listing.title == "columns of pond.csv")
    assert [row[:4] for row in columns.rows] == [
        ("id", "row numbers", "0", "400"),
        ("weight", "numbers", "0", "400"),
        ("length", "numbers", "0", "399"),
        ("colour", "categories", "0", "3"),
        ("species", "categories", "0", "2"),
    ]


@pytest.mark.parametrize("renamed", ["text", "number"])
def test_a_column_that_renames_the_target_is_a_leak(tmp_path: Path, renamed: str) -> None:
    frame = table()
    newt, toad = ("Triturus", "Bufo") if renamed == "text" else ("7", "3")
    frame["genus"] = np.where(frame["species"] == "newt", newt, toad)
    found = look(written(frame, tmp_path / "pond.csv"), target=("species",))
    assert list(by_check(found)) == ["target leak"]
    assert by_check(found)["target leak"].startswith(
        "column 'genus' alone predicts the class with balanced accuracy 1.000 ("
    )
    assert "remove 'genus'" in found.findings[0].action


def test_a_column_that_is_filled_in_afterwards_is_a_leak(tmp_path: Path) -> None:
    frame = table()
    frame["price"] = np.random.default_rng(2).lognormal(size=len(frame)).round(6)
    frame["tax"] = (frame["price"] * 0.19).round(6)
    found = look(written(frame, tmp_path / "pond.csv"), target=("price",))
    assert by_check(found)["target leak"].startswith("column 'tax' alone predicts price with R2 of ranks")


def test_a_row_that_stands_twice_is_named_with_both_places(tmp_path: Path) -> None:
    frame = pd.concat([table(), table().iloc[[7]].assign(id=5000)])
    for split in ("train", "test"):
        (tmp_path / "pond").mkdir(exist_ok=True)
        part = frame.iloc[:300] if split == "train" else frame.iloc[300:]
        written(part, tmp_path / "pond" / f"{split}.csv")
    found = by_check(look(tmp_path / "pond", target=("species",), validation=0))
    assert found == {
        "exact copies across splits": "1 of 101 test rows are also in another split: "
        "train train.csv row 9 = test test.csv row 102"
    }


def test_rows_of_coarse_columns_may_be_equal(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({name: rng.integers(0, 3, 300) for name in ("a", "b", "c")})
    frame["y"] = np.where(rng.random(300) < 0.5, "yes", "no")
    assert look(written(frame, tmp_path / "coarse.csv"), target=("y",)).findings == ()


def test_empty_and_constant_columns_are_notes(tmp_path: Path) -> None:
    frame = table().assign(nothing="", unit="gram")
    found = look(written(frame, tmp_path / "pond.csv"), target=("species",))
    assert by_check(found) == {
        "empty columns": "pond.csv: 'nothing': every cell is missing",
        "constant columns": "pond.csv: 'unit': one value in every row",
    }
    assert {finding.severity for finding in found.findings} == {"note"}


def test_a_data_frame_is_inspected_like_its_file() -> None:
    frame = table()
    frame["genus"] = frame["species"].str.upper()
    assert list(by_check(look(frame, target=("species",)))) == ["target leak"]


def test_arrays_that_share_rows_across_splits_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(120, 5)).astype(np.float32), np.arange(120) % 2
    x[110] = x[3]
    np.savez(tmp_path / "a.npz", x_train=x[:100], y_train=y[:100], x_test=x[100:], y_test=y[100:])
    found = by_check(look(tmp_path / "a.npz", validation=0))
    assert found["exact copies across splits"].startswith("1 of 20 test rows are also in another split: train ")


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        look(tmp_path)


def test_every_row_is_ticked(photos: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    inspect(photos, DataConfig(validation=0), tick=lambda *t: heard.append(t))
    assert ("reading rows", 78, 78) in heard
