"""Class folders with and without splits, lists of files, and folders that cannot be trained on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_places import form

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.image.forms import class_folders

read, recognise = form(class_folders)


def fill(folder: Path, count: int, *, kind: str = "png", level: int = 0) -> None:
    """`count` images of one colour, whose red is `level` + number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (8, 6), (level + number, 0, 255)).save(folder / f"{number}.{kind}")


def sizes(data: Dataset) -> dict[str, int]:
    return {split: len(rows) for split, rows in data.splits.items()}


def test_plain_class_folders(tmp_path: Path) -> None:
    for level, name in enumerate(("class 10", "class 2")):
        fill(tmp_path / name, 25, level=100 * level)
    assert recognise(tmp_path) == "2 folders of images"
    data = read(tmp_path, DataConfig())
    assert sizes(data) == {"train": 36, "validation": 4, "test": 10}
    assert data.schema.target.names == ("class 2", "class 10")
    for rows in data.splits.values():
        assert np.bincount(targets_of(rows)).tolist() == [len(rows) // 2] * 2
        for index in range(len(rows)):
            row = rows.read(np.array([index]))
            name, file = rows.describe(index).split("/")
            assert data.schema.target.names[row["target"][0]] == name
            assert row["input"][0, 0, 0, 0] == int(file.removesuffix(".png")) + 100 * (name == "class 2")


def test_splits_do_not_depend_on_the_file_systems_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "one" / name, 15)
    shutil.copytree(tmp_path / "one" / "b", tmp_path / "two" / "b")
    for number in reversed(range(15)):
        (tmp_path / "two" / "a").mkdir(exist_ok=True)
        shutil.copy(tmp_path / "one" / "a" / f"{number}.png", tmp_path / "two" / "a" / f"{number}.png")
    one, two = (read(tmp_path / name, DataConfig()) for name in ("one", "two"))
    for split, rows in one.splits.items():
        assert [rows.describe(i) for i in range(len(rows))] == [two.splits[split].describe(i) for i in range(len(rows))]
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("training", "valid", "testing"), ("Train", "dev", "Test")]
)
def test_split_folders(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for split, count in zip(names, (9, 5, 4), strict=True):
        for name in ("a", "b"):
            fill(tmp_path / split / name, count)
    data = read(tmp_path, DataConfig())
    assert sizes(data) == {"train": 18, "validation": 10, "test": 8}
    assert data.facts[0].what == "18 train + 10 validation + 8 test images, 6x8 colour"
    assert data.splits["test"].describe(0) == f"{names[2]}/a/0.png"


def test_only_what_is_missing_is_held_back(tmp_path: Path) -> None:
    for split, count in (("train", 20), ("test", 5)):
        for name in ("a", "b"):
            fill(tmp_path / split / name, count)
    assert sizes(read(tmp_path, DataConfig())) == {"train": 36, "validation": 4, "test": 10}


def test_deeper_folders_belong_to_their_class_and_hidden_files_to_none(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "day" / "one", 6)
    fill(tmp_path / "b", 6, kind="JPG")
    fill(tmp_path / "b" / ".thumbnails", 3)
    fill(tmp_path / "__MACOSX" / "a", 3)
    (tmp_path / "a" / "._0.png").write_bytes(b"resource fork")
    (tmp_path / "README.md").write_text("about")
    data = read(tmp_path, DataConfig(test=0, validation=0))
    assert sizes(data) == {"train": 12}
    assert data.splits["train"].describe(0) == "a/day/one/0.png"


@pytest.mark.parametrize("train", ["train", "."])
def test_a_part_without_labels_is_set_aside(tmp_path: Path, train: str) -> None:
    """Under train/ or beside the classes, test/ holds images of no class: it is no class, and no error."""
    for name in ("a", "b"):
        fill(tmp_path / train / name, 10)
    fill(tmp_path / "test", 4)
    data = read(tmp_path, DataConfig())
    assert data.schema.target.names == ("a", "b")
    assert sizes(data) == {"train": 14, "validation": 2, "test": 4}
    assert all("test/" not in data.splits["test"].describe(i) for i in range(4))
    assert data.warnings == [
        "test/ is set aside: its 4 images are in no class folder, so it cannot be evaluated on; predict on it after training"
    ]


def test_a_test_part_in_one_folder_named_unknown_is_set_aside(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/unknown"):
        fill(tmp_path / name, 10)
    data = read(tmp_path, DataConfig())
    assert sizes(data) == {"train": 14, "validation": 2, "test": 4}
    assert len(data.warnings) == 1


def test_a_test_folder_of_classes_beside_classes_is_the_test_split(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 10)
        fill(tmp_path / "test" / name, 3)
    data = read(tmp_path, DataConfig(validation=0))
    assert data.schema.target.names == ("a", "b")
    assert sizes(data) == {"train": 20, "test": 6}
    assert data.splits["test"].describe(3) == "test/b/0.png"
    assert targets_of(data.splits["test"]).tolist() == [0, 0, 0, 1, 1, 1]


def test_folders_named_for_a_role_are_no_classes(tmp_path: Path) -> None:
    for name in ("a", "b", "masks"):
        fill(tmp_path / name, 10)
    data = read(tmp_path, DataConfig())
    assert data.schema.target.names == ("a", "b")
    assert data.warnings == ["masks/ is named for a role, not for a class: its 10 images are not used"]


def test_mask_is_a_class_beside_no_mask(tmp_path: Path) -> None:
    for name in ("mask", "no_mask"):
        fill(tmp_path / name, 10)
    assert read(tmp_path, DataConfig()).schema.target.names == ("mask", "no_mask")


@pytest.mark.parametrize(
    "names", [("test_images", "train_images"), ("X_images_part_1", "X_images_part_2"), ("images",)]
)
def test_only_roles_are_refused_by_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        fill(tmp_path / name, 4)
    said = refused(tmp_path)
    assert said.startswith(
        f": folders of images ({', '.join(f'{name}/' for name in names)}) are named for what they hold"
    )
    assert "train.csv" in said


def test_classes_in_the_only_folder_of_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "images" / name, 10)
    data = read(tmp_path, DataConfig(test=0, validation=0))
    assert data.schema.target.names == ("a", "b")
    assert data.splits["train"].describe(0) == "images/a/0.png"


def test_masks_beside_their_images_are_not_trained_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 10)
        for mask in ("3_mask", "3_mask_1"):
            shutil.copy(tmp_path / name / "3.png", tmp_path / name / f"{mask}.png")
    data = read(tmp_path, DataConfig(test=0, validation=0))
    assert sizes(data) == {"train": 20}
    assert data.warnings == [
        "4 images are masks of others by their names, such as a/3_mask.png, and are not trained on; "
        "--task segmentation learns them"
    ]


def test_jfif_is_read_and_other_endings_are_counted(tmp_path: Path) -> None:
    fill(tmp_path / "a", 6)
    fill(tmp_path / "b", 6, kind="jpg")
    for file in (tmp_path / "b").iterdir():
        file.rename(file.with_suffix(".jfif"))
    (tmp_path / "a" / "x.xyz").write_bytes(b"no")
    data = read(tmp_path, DataConfig(test=0, validation=0))
    assert sizes(data) == {"train": 12}
    assert data.warnings == ["files that are not read as images are left out: 1 .xyz, such as a/x.xyz"]


def test_folders_beside_the_splits_are_said(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "extra"):
        fill(tmp_path / name, 10)
    assert read(tmp_path, DataConfig()).warnings == ["extra/ is beside the split folders: its 10 images are not used"]


def test_lists_of_files_per_split(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 6)
    (tmp_path / "train.txt").write_text("a/0.png\na/1.png\nb/0\n./b/1.png\n")
    (tmp_path / "val.txt").write_text("a/2.png\nb/2.png\n")
    (tmp_path / "test.txt").write_text("a/3\nb/3\n\n")
    data = read(tmp_path, DataConfig())
    assert sizes(data) == {"train": 4, "validation": 2, "test": 2}
    assert data.splits["train"].describe(2) == "b/0.png"
    assert data.warnings == ["4 images are in none of train.txt, val.txt, test.txt and are not used"]


def test_lists_that_name_nothing_or_too_much(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 3)
    (tmp_path / "train.txt").write_text("a/0.png\nc/0.png\n")
    with pytest.raises(DataError, match=r"train.txt line 2: 'c/0.png' names no image here; write its path"):
        read(tmp_path, DataConfig())
    (tmp_path / "train.txt").write_text("0.png\n")
    with pytest.raises(DataError, match=r"train.txt line 1: '0.png' names 2 images: a/0.png, b/0.png"):
        read(tmp_path, DataConfig())
    (tmp_path / "train.txt").write_text("a/0\nb/0\n")
    (tmp_path / "test.txt").write_text("b/0\n")
    with pytest.raises(DataError, match=r"^b/0.png is in train.txt and in test.txt; an image belongs to one split$"):
        read(tmp_path, DataConfig())


def test_unreadable_images_stop_or_are_counted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 10)
    (tmp_path / "a" / "3.png").write_bytes(b"oops")
    remedy = r"replace or remove it; training skips such images with --skip-unreadable"
    with pytest.raises(DataError, match=rf"a/3.png cannot be read as an image \(.*\); {remedy}$"):
        read(tmp_path, DataConfig())
    data = read(tmp_path, DataConfig(skip_unreadable=True, test=0, validation=0))
    assert sizes(data) == {"train": 19}
    assert data.warnings == ["train: 1 unreadable images skipped: a/3.png"]
    names = [data.splits["train"].describe(i) for i in range(19)]
    assert "a/3.png" not in names
    assert targets_of(data.splits["train"]).tolist() == [0] * 9 + [1] * 10


def test_a_picture_spoilt_in_the_middle_is_named_when_it_is_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / name, 4)
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    data = read(tmp_path, DataConfig(test=0, validation=0))
    Image.fromarray(noise).save(tmp_path / "b" / "2.png")
    content = bytearray((tmp_path / "b" / "2.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "b" / "2.png").write_bytes(content)
    with pytest.raises(DataError, match=r"b/2.png cannot be read as an image"):
        data.splits["train"].read(np.arange(8))


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path, DataConfig())
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}")


def test_one_class_only(tmp_path: Path) -> None:
    fill(tmp_path / "cat", 5)
    assert refused(tmp_path).startswith(" has images of one class only (cat); a classifier needs")


def test_training_images_of_one_class_are_enough_for_a_task_that_learns_from_no_labels(tmp_path: Path) -> None:
    """The layout of MVTec AD: train/good, and faults in test/ alone."""
    for folder, number in (("train/good", 12), ("test/good", 3), ("test/scratch", 4)):
        fill(tmp_path / folder, number)
    found = read(tmp_path, DataConfig(), task="anomaly")
    assert found.schema.target.names == ("good", "scratch")
    assert targets_of(found.splits["test"]).tolist() == [0] * 3 + [1] * 4
    assert set(targets_of(found.splits["train"]).tolist()) == {0}
    assert not any("no training row has the class" in warning for warning in found.warnings)
    with pytest.raises(DataError, match=r"one class only \(good\)"):
        read(tmp_path, DataConfig())


def test_images_without_class_folders(tmp_path: Path) -> None:
    fill(tmp_path / "train", 3)
    assert recognise(tmp_path) == "folders train, with 0 class folders"
    assert refused(tmp_path) == "train/0.png is not in a class folder; move it into one, train/CLASS/0.png"


def test_an_empty_split(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fill(tmp_path / "train" / name, 3)
    (tmp_path / "test" / "a").mkdir(parents=True)
    assert refused(tmp_path) == ": test holds no images; add files or remove it"


def test_a_class_that_train_does_not_have(tmp_path: Path) -> None:
    for split, names in (("train", ("cat", "dog")), ("val", ("cat", "dogs"))):
        for name in names:
            fill(tmp_path / split / name, 3)
    assert refused(tmp_path) == ": validation has a class 'dogs' that train does not have; did you mean 'dog'?"


def test_a_split_twice(tmp_path: Path) -> None:
    for split in ("train", "val", "valid"):
        fill(tmp_path / split / "a", 2)
    with pytest.raises(DataError, match="folders val and valid both hold the validation split; keep one"):
        recognise(tmp_path)


def test_images_beside_masks_or_annotations_are_another_form(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        fill(tmp_path / name, 3)
    assert recognise(tmp_path) is None


def test_cells_cut_from_microscope_pictures(tmp_path: Path, shared_data: Path) -> None:
    """Real RGBA and RGB pictures of mixed sizes, cut into two classes."""
    for number, file in enumerate(sorted((shared_data / "dsb2018" / "images").glob("*.png"))[:24]):
        folder = tmp_path / ("left" if number % 2 else "right")
        folder.mkdir(exist_ok=True)
        with Image.open(file) as whole:
            side = 40 + number
            whole.crop((0, 0, side, side) if number % 2 else (20, 20, 20 + side, 20 + side)).save(folder / file.name)
    data = read(tmp_path, DataConfig())
    assert data.schema.input.shape[0] in (1, 3)
    assert 40 <= data.schema.input.shape[1] <= 64
    batch = data.splits["train"].read(np.arange(len(data.splits["train"])))
    assert batch["input"].std() > 1


@pytest.mark.parametrize(
    ("train", "test"),
    [("training_set", "test_set"), ("seg_train/seg_train", "seg_test/seg_test"), ("Train_A", "Val_A")],
)
def test_splits_that_their_folders_names_tell_among_other_words(train: str, test: str, tmp_path: Path) -> None:
    for level, name in enumerate(("cat", "dog")):
        fill(tmp_path / train / name, 20, level=100 * level)
        fill(tmp_path / test / name, 5, level=50 + 100 * level)
    fill(tmp_path / "seg_pred" / "seg_pred", 3)
    data = read(tmp_path, DataConfig(validation=0, test=0))
    assert data.schema.target.names == ("cat", "dog")
    assert sizes(data) == {"train": 40, "validation" if "Val" in test else "test": 10}
    assert "seg_pred/ is beside the split folders: its 3 images are not used" in data.warnings


def test_classes_that_only_sound_like_splits(tmp_path: Path) -> None:
    for name in ("train station", "test bench"):
        fill(tmp_path / name / "2019", 4)
    assert read(tmp_path, DataConfig(validation=0, test=0)).schema.target.names == ("test bench", "train station")


def test_folders_that_the_data_were_packed_in(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        fill(tmp_path / "archive" / "Pets" / "train" / name, 4)
    with pytest.raises(
        DataError, match=r"holds a single folder, and the data are in (\S+) \(train/\); give that"
    ) as raised:
        read(tmp_path, DataConfig())
    inner = str(raised.value).split("are in ")[1].split(" (")[0]
    assert read(Path(inner), DataConfig(validation=0, test=0)).schema.target.names == ("cat", "dog")


def test_empty_folders_and_folders_within_classes_are_said(tmp_path: Path) -> None:
    for name in ("amazon", "webcam"):
        for inner in ("bike", "mug"):
            fill(tmp_path / name / "images" / inner, 4)
    (tmp_path / "dslr").mkdir()
    said = read(tmp_path, DataConfig(validation=0, test=0)).warnings
    assert "folders without files are not classes: dslr/" in said
    assert any(
        line.startswith("2 class folders hold several folders, such as amazon/ with bike, mug:") for line in said
    )


def test_the_lists_of_birds(tmp_path: Path) -> None:
    for name in ("001.Gull", "002.Wren"):
        fill(tmp_path / "images" / name, 4)
    paths = [f"{name}/{number}.png" for name in ("001.Gull", "002.Wren") for number in range(4)]
    (tmp_path / "images.txt").write_text("".join(f"{n} {path}\n" for n, path in enumerate(paths, start=1)))
    (tmp_path / "train_test_split.txt").write_text("".join(f"{n} {int(n % 4 > 0)}\n" for n in range(1, 9)))
    data = read(tmp_path, DataConfig(validation=0, test=0))
    assert sizes(data) == {"train": 6, "test": 2}
    assert [data.splits["test"].describe(row) for row in range(2)] == ["images/001.Gull/3.png", "images/002.Wren/3.png"]
    (tmp_path / "images.txt").write_text("1 001.Gull/9.png\n")
    with pytest.raises(
        DataError, match=r"images.txt: image 1 \(001.Gull/9.png\) is not there, or .*; unpack the images again"
    ):
        read(tmp_path, DataConfig())


def test_a_class_that_joins_others_is_said(tmp_path: Path) -> None:
    for name in ("cat", "dog", "cat_dog"):
        fill(tmp_path / name, 4)
    (said,) = read(tmp_path, DataConfig(validation=0, test=0)).warnings
    assert said.startswith("cat_dog is learned as a class of its own, though its name joins those of other classes")
