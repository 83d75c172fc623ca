"""Images that a table names with their labels, as Kaggle, Hugging Face, Roboflow and others lay them out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data, open_like

WHOLE = DataConfig(test=0, validation=0)


def fill(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8), (number, 0, 9)).save(folder / name)


def lines(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")
    return path


def learnt(data: Dataset, split: str = "train") -> dict[str, str]:
    """Image -> the name of its class."""
    rows = data.splits[split]
    names = data.schema.target.names
    return {rows.describe(i): names[int(code)] for i, code in enumerate(targets_of(rows))}


@pytest.mark.parametrize("given", ["", "train.csv"])
def test_kaggles_folder(tmp_path: Path, given: str) -> None:
    """Images without endings in the table, a test part without labels, and an example of an answer."""
    names = [f"{n}.jpg" for n in range(10)]
    fill(tmp_path / "train_images", names)
    fill(tmp_path / "test_images", names[:4])
    lines(tmp_path / "train.csv", "image_id,label", *(f"{n},{'ab'[n % 2]}" for n in range(10)))
    lines(tmp_path / "sample_submission.csv", "image_id,label", *(f"{n},a" for n in range(4)))
    data = open_data(tmp_path / given, WHOLE)
    assert learnt(data) == {f"train_images/{n}.jpg": "ab"[n % 2] for n in range(10)}
    assert data.warnings == ["4 images of test_images/ have no label in a table and are not used"]
    assert (data.splits["train"].read(np.arange(10))["input"][:, 0, 0, 0] < 14).all()


def test_a_test_table_without_labels_is_set_aside(tmp_path: Path) -> None:
    fill(tmp_path / "train", [f"{n}.png" for n in range(8)])
    fill(tmp_path / "test", ["90.png", "91.png"])
    lines(tmp_path / "train.csv", "id,breed", *(f"{n},{'ab'[n % 2]}" for n in range(8)))
    lines(tmp_path / "test.csv", "id", "90", "91")
    data = open_data(tmp_path, WHOLE)
    assert list(data.splits) == ["train"]
    assert data.warnings[0].startswith("test.csv has no 'breed': its 2 images cannot be evaluated on and are set aside")


def test_columns_beside_image_and_label_are_named_as_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "imgs", [f"{n}.png" for n in range(8)])
    lines(
        tmp_path / "train.csv",
        "path,age,site,label",
        *(f"imgs/{n}.png,{20 + n},s{n % 3},{'ab'[n % 2]}" for n in range(8)),
    )
    data = open_data(tmp_path / "train.csv", WHOLE)
    said = [(fact.what, fact.why) for fact in data.facts if fact.what.startswith("left out")]
    assert said == [("left out age, site", "only the image itself is an input")]


def test_metadata_in_the_folder_of_each_split(tmp_path: Path) -> None:
    """Hugging Face's image folder: the same names in both splits are different images."""
    for split, label in (("train", "ab"), ("test", "ba")):
        fill(tmp_path / split, [f"{n}.png" for n in range(6)])
        rows = [{"file_name": f"{n}.png", "label": label[n % 2]} for n in range(6)]
        lines(tmp_path / split / "metadata.jsonl", *map(json.dumps, rows))
    data = open_data(tmp_path, DataConfig(validation=0))
    assert learnt(data, "train") == {f"train/{n}.png": "ab"[n % 2] for n in range(6)}
    assert learnt(data, "test") == {f"test/{n}.png": "ba"[n % 2] for n in range(6)}
    assert not data.warnings


def test_numbers_of_signs_and_corners_of_their_place(tmp_path: Path) -> None:
    """GTSRB: paths, 43 numbered classes, corners of the sign, and class folders of the same pictures."""
    rows = []
    for n in range(60):
        fill(tmp_path / "Train" / str(n % 30), [f"{n}.png"])
        rows.append(f"8,8,1,1,7,7,{n % 30},Train/{n % 30}/{n}.png")
    fill(tmp_path / "Test", ["00.png", "01.png"])
    head = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path"
    lines(tmp_path / "Train.csv", head, *rows)
    lines(tmp_path / "Test.csv", head, "8,8,1,1,7,7,16,Test/00.png", "8,8,1,1,7,7,1,Test/01.png")
    data = open_data(tmp_path, DataConfig(validation=0))
    assert data.schema.target.names == tuple(map(str, range(30)))
    assert learnt(data, "test") == {"Test/00.png": "16", "Test/01.png": "1"}
    assert "column 'ClassId' holds 30 distinct integers, taken for classes by its name" in data.warnings[0]


def test_images_in_parts_and_lesions_of_several_images(tmp_path: Path) -> None:
    """HAM10000: pictures in two folders, and some lesions with more than one."""
    for part in (0, 1):
        fill(tmp_path / f"X_images_part_{part + 1}", [f"ISIC_{n:04}.jpg" for n in range(part * 20, part * 20 + 20)])
    rows = [f"L{n // 2},ISIC_{n:04},{'mel' if n // 2 % 2 else 'nv'},face" for n in range(40)]
    lines(tmp_path / "X_metadata.csv", "lesion_id,image_id,dx,localization", *rows)
    data = open_data(tmp_path, DataConfig())
    assert data.schema.target.names == ("mel", "nv")
    assert data.warnings == [
        "several images share a 'lesion_id', and may be in train and test at once; --group 'lesion_id' keeps them together"
    ]
    kept = open_data(tmp_path, data_config(group="lesion_id"))
    lesions = [{int(name[-8:-4]) // 2 for name in learnt(kept, split)} for split in kept.splits]
    assert len(lesions) == 3
    assert sum(map(len, lesions)) == len(set.union(*lesions)) == 20
    assert not kept.warnings


def test_a_column_for_each_class(tmp_path: Path) -> None:
    """Roboflow's _classes.csv: 0 and 1 under the names of the classes."""
    fill(tmp_path / "train", [f"{n}.jpg" for n in range(8)])
    lines(
        tmp_path / "train" / "_classes.csv",
        "filename, cat, dog",
        *(f"{n}.jpg, {n % 2}, {int(n > 3)}" for n in range(8)),
    )
    data = open_data(tmp_path, WHOLE)
    assert data.schema.target.kind == "labels"
    assert data.schema.target.names == ("cat", "dog")
    assert targets_of(data.splits["train"]).tolist() == [[n % 2, int(n > 3)] for n in range(8)]


def test_labels_joined_in_a_cell(tmp_path: Path) -> None:
    fill(tmp_path / "images", [f"{n}.png" for n in range(4)])
    cells = ["Mass|Edema", "No Finding", "Edema", "Mass"]
    lines(tmp_path / "d.csv", "Image Index,Finding Labels", *(f"{n}.png,{cell}" for n, cell in enumerate(cells)))
    data = open_data(tmp_path, WHOLE)
    assert data.schema.target.names == ("Edema", "Mass", "No Finding")
    assert targets_of(data.splits["train"]).tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert data.warnings == [
        "column 'Finding Labels' joins several labels by '|': read as 3 labels (Edema, Mass, No Finding), not as 4 classes"
    ]


def test_values_and_a_column_of_splits(tmp_path: Path) -> None:
    fill(tmp_path / "img", [f"{n}.png" for n in range(6)])
    told = ["train", "train", "valid", "train", "test", "train"]
    table = lines(tmp_path / "t.csv", "file,age,split", *(f"img/{n}.png,{n}.5,{s}" for n, s in enumerate(told)))
    data = open_data(table, DataConfig())
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 4, "validation": 1, "test": 1}
    assert data.schema.target.kind == "value"
    assert data.schema.target.mean == (np.mean([0.5, 1.5, 3.5, 5.5]),)


def test_paths_from_another_place(tmp_path: Path) -> None:
    fill(tmp_path / "a", ["1.png", "2.png"])
    fill(tmp_path / "b", ["1.png", "2.png"])
    rows = [rf"C:\old\place\{c}\{n}.png;{c}" for c in "ab" for n in (1, 2)]
    lines(tmp_path / "list.csv", "path;label", *rows, rows[0])
    data = open_data(tmp_path / "list.csv", WHOLE)
    assert learnt(data) == {f"{c}/{n}.png": c for c in "ab" for n in (1, 2)}
    assert data.warnings == ["1 rows of list.csv repeat an earlier one and are not used"]


def test_a_trained_model_reads_other_images_by_its_classes(tmp_path: Path) -> None:
    for name, order in (("one", "ab"), ("two", "ba")):
        fill(tmp_path / name / "img", [f"{n}.png" for n in range(8)])
        rows = (f"{n}.png,{order[n % 2]}" for n in range(8))
        lines(tmp_path / name / "t.csv", "file,label", *rows)
    model = open_data(tmp_path / "one", WHOLE).schema
    data = open_like(tmp_path / "two", model, DataConfig())
    assert learnt(data, "test") == {f"img/{n}.png": "ba"[n % 2] for n in range(8)}


def test_what_is_missing(tmp_path: Path) -> None:
    fill(tmp_path / "img", [f"{n}.png" for n in range(8)])
    rows = [f"{n}.png,{'ab'[n % 2]},x" for n in range(8)]
    lines(tmp_path / "t.csv", "file,kind,note", *rows)
    with pytest.raises(DataError, match=r"t.csv names images: which column is to be predicted\? Use --target 'kind'"):
        open_data(tmp_path, WHOLE)
    lines(tmp_path / "t.csv", "file,label", *(row[:-2] for row in rows), "9.png,a", "0.png,b")
    with pytest.raises(DataError, match=r"t.csv row 10: '9.png' names no image below .*--skip-unreadable"):
        open_data(tmp_path, WHOLE)
    with pytest.raises(DataError, match=r"t.csv row 2 and t.csv row 11 both name img/0.png, with different labels"):
        open_data(tmp_path, DataConfig(test=0, validation=0, skip_unreadable=True))
    lines(tmp_path / "t.csv", "file,label", *(row[:-2] for row in rows), "9.png,a", "0.png,")
    data = open_data(tmp_path, DataConfig(test=0, validation=0, skip_unreadable=True))
    assert len(data.splits["train"]) == 8
    assert data.warnings == [
        "1 rows of t.csv have no label and are not used",
        "1 images of t.csv do not exist: t.csv row 10 (9.png)",
    ]


def test_two_tables_name_the_one_to_train_on(tmp_path: Path) -> None:
    fill(tmp_path / "img", [f"{n}.png" for n in range(8)])
    for name in ("x.csv", "y.csv"):
        lines(tmp_path / name, "file,label", *(f"{n}.png,{'ab'[n % 2]}" for n in range(8)))
    with pytest.raises(
        DataError, match=r"x.csv and y.csv both name images; give the one to train on: sonde train .*x.csv$"
    ):
        open_data(tmp_path, WHOLE)
    assert len(open_data(tmp_path / "x.csv", WHOLE).splits["train"]) == 8


@pytest.mark.parametrize("folder", ["plots", "../plots"])
def test_tables_of_numbers_stay_tables(tmp_path: Path, folder: str) -> None:
    """Numbers that happen to be the names of images name none."""
    fill(tmp_path / "data" / folder, [f"{n}.png" for n in range(9)])
    lines(tmp_path / "data" / "t.csv", "x,y", *(f"{n},{n % 2}" for n in range(9)))
    assert open_data(tmp_path / "data" / "t.csv", data_config(target=("y",))).schema.input.kind == "table"


def test_images_beside_the_folder_of_the_table(tmp_path: Path) -> None:
    fill(tmp_path / "img", [f"{n}.png" for n in range(8)])
    table = lines(tmp_path / "labels" / "t.csv", "file,label", *(f"{n}.png,{'ab'[n % 2]}" for n in range(8)))
    assert learnt(open_data(table, WHOLE)) == {f"img/{n}.png": "ab"[n % 2] for n in range(8)}


def test_several_labels_of_minus_one_and_one(tmp_path: Path) -> None:
    """As CelebA writes them: labels, not values."""
    fill(tmp_path / "img", [f"{n}.png" for n in range(8)])
    rows = [f"{n}.png,{1 if n % 2 else -1},{-1 if n % 3 else 1}" for n in range(8)]
    table = lines(tmp_path / "attr.csv", "image_id,Smiling,Young", *rows)
    data = open_data(table, data_config(validation=0.0, test=0.0, target=("Smiling", "Young")))
    assert (data.schema.target.kind, data.schema.target.names) == ("labels", ("Smiling", "Young"))
    read = data.splits["train"].read(np.arange(3))["target"]
    assert read.tolist() == [[0, 1], [1, 0], [0, 0]]


def test_the_solution_of_a_validation_part_is_not_trained_on(tmp_path: Path) -> None:
    """ImageNet as Kaggle gives it: class folders to train on, and a table of the flat val/ only."""
    for kind in ("n01", "n02"):
        fill(tmp_path / "train" / kind, [f"{kind}_{n}.png" for n in range(4)])
    fill(tmp_path / "val", [f"v{n}.png" for n in range(4)])
    lines(
        tmp_path / "LOC_val_solution.csv",
        "ImageId,PredictionString",
        *(f"v{n},n0{n % 2 + 1} 1 2 3 4" for n in range(4)),
    )
    data = open_data(tmp_path, WHOLE)
    assert data.schema.target.names == ("n01", "n02")
    assert len(data.splits["train"]) == 8
    assert any("val/ is set aside" in warning for warning in data.warnings)


def test_boxes_in_one_column_are_refused_with_a_command_that_parts_them(tmp_path: Path) -> None:
    fill(tmp_path / "train", [f"{n}.png" for n in range(8)])
    lines(tmp_path / "train.csv", "image_id,bbox,source", *(f'{n},"[1.0, 2.0, 3, 4]",x' for n in range(8)))
    with pytest.raises(DataError, match="column 'bbox' holds boxes of four numbers") as refused:
        open_data(tmp_path, WHOLE)
    code = str(refused.value).split('python -c "')[1].split('" where')[0]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    (tmp_path / "train.csv").unlink()
    data = open_data(tmp_path, WHOLE)
    assert data.schema.target.kind == "boxes"
    assert len(data.splits["train"]) == 8


def test_a_list_of_images_without_a_header_is_refused_with_a_command_that_works(tmp_path: Path) -> None:
    fill(tmp_path, [f"{n}.png" for n in range(8)])
    lines(tmp_path / "labels.txt", *(f"{n}.png  {'ab'[n % 2]}" for n in range(8)))
    with pytest.raises(DataError, match="names images with labels, and has no header: ") as refused:
        open_data(tmp_path, WHOLE)
    subprocess.run(["sh", "-c", str(refused.value).split("no header: ")[1]], check=True)
    assert learnt(open_data(tmp_path, WHOLE)) == {f"{n}.png": "ab"[n % 2] for n in range(8)}


@pytest.mark.parametrize("pair", [("trainA", "trainB"), ("HR", "LR"), ("high_res", "low_res")])
def test_pairs_of_images_are_no_classes(tmp_path: Path, pair: tuple[str, str]) -> None:
    for name in pair:
        fill(tmp_path / name, [f"{n}.png" for n in range(4)])
    with pytest.raises(DataError, match="are named for what they hold, not for classes"):
        open_data(tmp_path, WHOLE)
