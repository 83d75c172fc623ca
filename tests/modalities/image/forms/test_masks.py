"""Images beside masks in every layout, and what is wrong with some of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_masks import SIDE, discs, folder, picture, written
from sample_places import at, form
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.image.forms import masks
from sonde.modalities.open import open_data, open_like

read, recognise = form(masks)
pictures = at(masks.pictures)

WHOLE = DataConfig(validation=0, test=0)


def sizes(data: Dataset) -> dict[str, int]:
    return {split: len(rows) for split, rows in data.splits.items()}


def check_rows(data: Dataset, kind: str) -> None:
    """Every row's target is the mask of its image, whose number is its name."""
    for rows in data.splits.values():
        for index in range(len(rows)):
            number = int(Path(rows.describe(index)).stem)
            objects = discs(number % 3 + 1, number)
            row = rows.read(np.array([index]))
            assert row["target"].dtype == np.uint8
            expected = objects > 0 if kind in ("binary", "objects") else np.asarray(written(objects, "classes"))
            assert (row["target"][0] == expected).all()
            assert (row["input"][0, 0] > 100).tolist() == (objects > 0).tolist()
            assert ("objects" in row) == (kind == "objects")
            if kind == "objects":
                assert (row["objects"][0] == objects).all()


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("binary", ("background", "foreground")),
        ("objects", ("background", "foreground")),
        ("classes", ("background", "1", "2")),
        ("palette", ("background", "1", "2")),
    ],
)
def test_every_kind_of_mask(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    folder(tmp_path, 20, kind=kind)
    assert recognise(tmp_path) == "images/ beside masks/"
    data = open_data(tmp_path, DataConfig())
    assert (data.schema.target.kind, data.schema.target.names) == ("mask", names)
    assert data.schema.target.out_dim == (1 if len(names) == 2 else 3)
    assert sizes(data) == {"train": 14, "validation": 2, "test": 4}
    assert data.facts[0].what == "20 images with masks, 32x32 colour"
    assert data.facts[1].what.startswith(f"{len(names)} classes of pixels: background, ")
    check_rows(data, kind)


@pytest.mark.parametrize(("images", "masks"), [("imgs", "Labels"), ("JPEGImages", "SegmentationClass")])
def test_other_names_of_the_folders(images: str, masks: str, tmp_path: Path) -> None:
    folder(tmp_path, 5, images=images, masks=masks)
    check_rows(open_data(tmp_path, WHOLE), "binary")


def test_annotations_that_are_no_images_are_no_masks(tmp_path: Path) -> None:
    folder(tmp_path, 3, masks="masks")
    shutil.rmtree(tmp_path / "masks")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "0.txt").write_text("0 0.5 0.5 1 1")
    assert recognise(tmp_path) is None


def test_lists_of_names_tell_the_splits(tmp_path: Path) -> None:
    folder(tmp_path, 12)
    (tmp_path / "train.txt").write_text("".join(f"{n}\n" for n in range(7)))
    (tmp_path / "val.txt").write_text("7.png\nimages/8.png\n")
    data = open_data(tmp_path, DataConfig(test=0))
    assert sizes(data) == {"train": 7, "validation": 2}
    assert data.warnings == ["3 images are in none of train.txt, val.txt and are not used"]
    check_rows(data, "binary")
    (tmp_path / "masks" / "11.png").unlink()  # of an image that no list names
    assert sizes(open_data(tmp_path, DataConfig(test=0))) == {"train": 7, "validation": 2}
    (tmp_path / "val.txt").write_text("99\n")
    with pytest.raises(DataError, match=r"val.txt line 1: '99' names no image here; write its path from"):
        open_data(tmp_path, DataConfig())


def test_voc_has_its_lists_elsewhere(tmp_path: Path) -> None:
    folder(tmp_path, 6, images="JPEGImages", masks="SegmentationClass", kind="palette")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1\n2\n3\n")
    (lists / "val.txt").write_text("4\n5\n")
    assert sizes(open_data(tmp_path, DataConfig(test=0))) == {"train": 4, "validation": 2}


def test_a_folder_a_split_above_or_below(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("val", 3)):
        folder(tmp_path / "above" / split, count)
        folder(tmp_path / "below", count, images=f"images/{split}", masks=f"masks/{split}")
    for place in ("above", "below"):
        data = open_data(tmp_path / place, DataConfig(test=0))
        assert sizes(data) == {"train": 6, "validation": 3}, place
        check_rows(data, "binary")
    assert recognise(tmp_path / "above") == "images/ beside masks/ in train, val"
    assert open_data(tmp_path / "above", WHOLE).splits["validation"].describe(0) == "val/images/0.png"


def cases(root: Path, count: int) -> None:
    """The Data Science Bowl's layout."""
    for number in range(count):
        objects = discs(number % 3 + 1, number)
        for name in ("images", "masks"):
            (root / "stage1_train" / f"case{number}" / name).mkdir(parents=True)
        picture(objects, number).save(root / "stage1_train" / f"case{number}" / "images" / f"{number}.png")
        for one in range(1, int(objects.max()) + 1):
            mask = Image.fromarray((255 * (objects == one)).astype(np.uint8))
            mask.save(root / "stage1_train" / f"case{number}" / "masks" / f"m{one}.png")


@pytest.mark.parametrize("place", [".", "stage1_train"])
def test_a_folder_an_image_with_a_mask_an_object(place: str, tmp_path: Path) -> None:
    cases(tmp_path, 6)
    assert recognise(tmp_path / place) == "6 folders of an image and its objects' masks"
    data = open_data(tmp_path / place, WHOLE)
    assert sizes(data) == {"train": 6}
    check_rows(data, "objects")
    shutil.rmtree(tmp_path / "stage1_train" / "case2" / "masks")
    (tmp_path / "stage1_train" / "case2" / "masks").mkdir()
    with pytest.raises(
        DataError, match=r"case2 holds 1 images and 0 masks; it needs one image, and one mask per object"
    ):
        open_data(tmp_path, WHOLE)
    assert sizes(open_data(tmp_path, DataConfig(validation=0, test=0, skip_unreadable=True))) == {"train": 5}


def test_names_of_classes_stand_in_a_file(tmp_path: Path) -> None:
    folder(tmp_path, 4, kind="classes")
    (tmp_path / "classes.txt").write_text("sky\nroad\n\ncar\ntree\n")
    data = open_data(tmp_path, WHOLE)
    assert data.schema.target.names == ("sky", "road", "car", "tree")
    assert data.warnings == ["none of 4 training masks shows tree"]
    (tmp_path / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(
        DataError, match=r"classes.txt names 2 classes, and the masks hold class 2; name them all, one a line"
    ):
        open_data(tmp_path, WHOLE)


def test_masks_may_have_a_mark_behind_their_name(tmp_path: Path) -> None:
    folder(tmp_path, 4)
    for file in sorted((tmp_path / "masks").iterdir()):
        file.rename(file.with_name(f"{file.stem}_mask.png"))
    check_rows(open_data(tmp_path, WHOLE), "binary")


def test_what_is_missing_or_does_not_fit_is_named_or_counted(tmp_path: Path) -> None:
    folder(tmp_path, 8)
    (tmp_path / "masks" / "3.png").unlink()
    with pytest.raises(DataError, match=r"^images/3.png has no mask masks/3.\*; add it or remove the image"):
        open_data(tmp_path, WHOLE)
    skipping = DataConfig(validation=0, test=0, skip_unreadable=True)
    data = open_data(tmp_path, skipping)
    assert (sizes(data), data.warnings) == (
        {"train": 7},
        ["1 images without a mask skipped, such as images/3.png"],
    )
    Image.new("L", (5, 4)).save(tmp_path / "masks" / "3.png")
    message = r"^masks/3.png is 4x5 and its image images/3.png is 32x32; a mask must have the size of its image$"
    with pytest.raises(DataError, match=message):
        open_data(tmp_path, WHOLE)
    (tmp_path / "images" / "5.png").write_bytes((tmp_path / "images" / "5.png").read_bytes()[:200])
    data = open_data(tmp_path, skipping)
    assert sizes(data) == {"train": 6}
    assert data.warnings == ["train: 2 unreadable images or masks skipped: images/3.png, images/5.png"]


def test_masks_that_show_nothing_or_cannot_be_read(tmp_path: Path) -> None:
    folder(tmp_path, 6)
    schema = open_data(tmp_path, WHOLE).schema
    for file in (tmp_path / "masks").iterdir():
        Image.new("L", (SIDE, SIDE)).save(file)
    with pytest.raises(
        DataError, match=r"none of the 6 masks shows anything but class 0, such as .*masks/0.png; check the"
    ):
        open_data(tmp_path, WHOLE)
    assert open_like(tmp_path, schema, WHOLE).splits["test"].read(np.arange(6))["target"].max() == 0
    folder(tmp_path, 6)
    (tmp_path / "masks" / "2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"masks/2.png cannot be read as a mask"):
        open_data(tmp_path, WHOLE)
    data = open_data(tmp_path, DataConfig(validation=0, test=0, skip_unreadable=True))
    assert data.warnings == ["train: 1 unreadable images or masks skipped: images/2.png"]


def test_nothing_in_common(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    for file in sorted((tmp_path / "masks").iterdir()):
        file.rename(file.with_name(f"other{file.name}"))
    with pytest.raises(DataError, match=r"images/ and masks/ have no name in common; give masks their images' names"):
        open_data(tmp_path, DataConfig(skip_unreadable=True))


def test_a_trained_models_size_and_classes(tmp_path: Path) -> None:
    folder(tmp_path / "a", 8, kind="classes")
    folder(tmp_path / "b", 3, kind="palette")
    schema = open_data(tmp_path / "a", data_config(validation=0, test=0, image_size=16)).schema
    assert schema.input.shape == (3, 16, 16)
    data = open_like(tmp_path / "b", schema, WHOLE)
    assert sizes(data) == {"test": 3}
    assert data.splits["test"].read(np.arange(3))["target"].shape == (3, 16, 16)
    two = open_data(tmp_path / "a", WHOLE).schema
    folder(tmp_path / "c", 3)
    narrow = open_data(tmp_path / "c", WHOLE).schema
    wide = open_like(tmp_path / "b", narrow, WHOLE)
    with pytest.raises(DataError, match="holds class 2, and classes go from 0 to 1"):
        wide.splits["test"].read(np.arange(3))
    assert two.target.names == ("background", "1", "2")


def test_large_images_are_stored_smaller_and_masks_with_them(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(4):
        Image.new("RGB", (600, 300), (number, 0, 0)).save(tmp_path / "images" / f"{number}.jpg")
        mask = np.zeros((300, 600), np.uint8)
        mask[:, 300:] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    data = open_data(tmp_path, WHOLE)
    assert data.schema.input.shape == (3, 128, 256)
    assert "limited to 256 (--image-size changes the size)" in " ".join(fact.why for fact in data.facts)
    target = data.splits["train"].read(np.array([0]))["target"][0]
    assert target[:, :128].max() == 0
    assert target[:, 128:].min() == 1


def test_a_share_of_the_training_images_can_be_used(tmp_path: Path) -> None:
    folder(tmp_path, 20)
    data = open_data(tmp_path, DataConfig(validation=0, test=0, label_fraction=0.5))
    assert sizes(data) == {"train": 10}
    assert any(fact.what == "10 of 20 training rows" for fact in data.facts)


def test_columns_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    with pytest.raises(DataError, match="has masks and no columns, so leave --target out"):
        open_data(tmp_path, data_config(target=("a",)))


def test_pictures_for_prediction_are_those_of_the_last_split(tmp_path: Path) -> None:
    folder(tmp_path, 6)
    assert len(pictures(tmp_path)) == 6
    (tmp_path / "train.txt").write_text("0\n1\n2\n3\n")
    (tmp_path / "val.txt").write_text("4\n5\n")
    assert [file.name for file in pictures(tmp_path)] == ["4.png", "5.png"]


def test_the_nuclei(shared_data: Path) -> None:
    data = read(shared_data / "dsb2018", DataConfig(test=0))
    assert sizes(data) == {"train": 56, "validation": 16}
    objects = sum(
        len(np.unique(row)) - 1 for rows in data.splits.values() for row in rows.read(np.arange(len(rows)))["objects"]
    )
    assert objects == 2026  # as its README says
    shares = [(rows.read(np.arange(len(rows)))["target"] == 1).mean() * len(rows) for rows in data.splits.values()]
    assert sum(shares) / 72 == pytest.approx(0.077, abs=5e-4)
    assert sizes(read(shared_data / "dsb2018" / "stage1_train", WHOLE)) == {"train": 5}


def placed(root: Path, number: int, image: str, *masks: str, kind: str = "binary") -> None:
    """A picture and its mask under the given names."""
    objects = discs(number % 3 + 1, number)
    for name in (image, *masks):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    picture(objects, number).save(root / image)
    for name in masks:
        written(objects, kind).save(root / name)


def check_numbers(data: Dataset, kind: str = "binary") -> None:
    """As `check_rows`, where a name holds the number among others."""
    for rows in data.splits.values():
        for index in range(len(rows)):
            number = int("".join(filter(str.isdigit, Path(rows.describe(index)).stem.split("_leftImg8bit")[0])))
            objects = discs(number % 3 + 1, number)
            expected = objects > 0 if kind == "binary" else np.asarray(written(objects, "classes"))
            assert (rows.read(np.array([index]))["target"][0] == expected).all()


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("image/{}.png", "label/{}.png"),
        ("img/{}.png", "gt/{}.png"),
        ("images/{}_training.png", "1st_manual/{}_manual1.gif"),
        ("Images/im{}.png", "GroundTruth/im{}.png"),
    ],
)
def test_folders_and_names_as_people_have_them(tmp_path: Path, image: str, mask: str) -> None:
    for number in range(6):
        placed(tmp_path, number, image.format(number), mask.format(number))
    data = open_data(tmp_path, WHOLE)
    assert data.form == "images with masks"
    assert sizes(data) == {"train": 6}
    check_numbers(data)


def test_the_field_of_view_is_not_the_vessels(tmp_path: Path) -> None:
    """DRIVE: mask/ is where the camera saw anything; test/ has no 1st_manual/ and is set aside."""
    for number in range(6):
        placed(tmp_path / "training", number, f"images/{number}_training.png", f"1st_manual/{number}_manual1.png")
        placed(tmp_path / "test", number, f"images/{number}_test.png", f"mask/{number}_test_mask.png")
        (tmp_path / "training" / "mask").mkdir(exist_ok=True)
        Image.new("L", (SIDE, SIDE), 255).save(tmp_path / "training" / "mask" / f"{number}_training_mask.png")
    data = open_data(tmp_path, WHOLE)
    assert sizes(data) == {"train": 6}
    check_numbers(data)
    assert data.warnings[0].startswith("test/ is set aside: its 12 images have no masks")


def test_cityscapes(tmp_path: Path) -> None:
    for number in range(6):
        split, city = ("train", "a") if number < 4 else ("val", "b")
        name = f"{split}/{city}/{city}_{number}"
        masks = [f"gtFine/{name}_gtFine_{what}.png" for what in ("labelIds", "instanceIds", "color")]
        placed(tmp_path, number, f"leftImg8bit/{name}_leftImg8bit.png", *masks, kind="classes")
    data = open_data(tmp_path, DataConfig(test=0))
    assert sizes(data) == {"train": 4, "validation": 2}
    assert len(data.schema.target.names) == 34
    assert data.schema.target.names[7] == "road"
    check_numbers(data, "classes")


def test_masks_beside_the_folders_of_splits(tmp_path: Path) -> None:
    for number in range(6):
        split = "train" if number < 4 else "val"
        placed(tmp_path, number, f"{split}/{number}.png", f"{split}_labels/{number}_L.png")
    placed(tmp_path, 7, "test/7.png")
    with pytest.raises(DataError, match=r"train/0.png has no mask train_labels/0\.\*"):
        open_data(tmp_path, DataConfig(test=0))
    for file in (*tmp_path.glob("*_labels/*"),):
        file.rename(file.with_stem(file.stem.replace("_L", "_mask")))
    data = open_data(tmp_path, DataConfig(test=0))
    assert sizes(data) == {"train": 4, "validation": 2}
    check_numbers(data)
    assert data.warnings[0].startswith("test/ is set aside: its 1 images have no masks")


def test_masks_beside_images_in_one_folder(tmp_path: Path) -> None:
    for number in range(6):
        placed(tmp_path, number, f"{number}.jpg", f"{number}_mask.png")
    data = open_data(tmp_path, WHOLE)
    assert sizes(data) == {"train": 6}
    check_numbers(data)


def test_several_masks_of_an_image_in_class_folders(tmp_path: Path) -> None:
    """BUSI: classes by folder unless segmentation is asked for; two masks of an image are laid over each other."""
    for number in range(6):
        folder = "ab"[number % 2]
        objects = discs(3, number)
        placed(tmp_path, number, f"{folder}/x ({number}).png")
        for part in (1, 2, 3):
            suffix = "" if part == 1 else f"_{part - 1}"
            mask = Image.fromarray((255 * (objects == part)).astype(np.uint8))
            mask.save(tmp_path / folder / f"x ({number})_mask{suffix}.png")
    assert open_data(tmp_path, WHOLE).schema.target.names == ("a", "b")
    data = open_data(tmp_path, WHOLE, task="segmentation")
    assert sizes(data) == {"train": 6}
    for index in range(6):
        number = int(data.splits["train"].describe(index).split("(")[1][0])
        assert (data.splits["train"].read(np.array([index]))["target"][0] == (discs(3, number) > 0)).all()


def test_the_test_part_of_cityscapes_has_no_truth(tmp_path: Path) -> None:
    for number in range(6):
        split = "train" if number < 4 else "test"
        name = f"{split}/a/a_{number}"
        placed(tmp_path, number, f"leftImg8bit/{name}_leftImg8bit.png", f"gtFine/{name}_gtFine_labelIds.png")
        mask = np.full((8, 10), 7, np.uint8) if split == "train" else np.full((8, 10), 3, np.uint8)
        Image.fromarray(mask).save(tmp_path / f"gtFine/{name}_gtFine_labelIds.png")
        Image.new("RGB", (10, 8), (number, 0, 0)).save(tmp_path / f"leftImg8bit/{name}_leftImg8bit.png")
    data = open_data(tmp_path, WHOLE)
    assert sizes(data) == {"train": 4}
    assert "the masks of the test split show no class, so it cannot be evaluated on and is set aside" in data.warnings


def test_an_image_that_exif_turns_and_its_mask_that_is_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for side in ("images", "masks"):
        (tmp_path / side).mkdir()
    Image.new("RGB", (10, 8)).save(tmp_path / "images" / "a.jpg", exif=exif)
    Image.fromarray(np.eye(8, 10, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(
        DataError, match=r"rotated by its EXIF orientation, and its mask is not; .*: exiftool -Orientation= FILES"
    ):
        open_data(tmp_path, WHOLE)


def test_labelmes_names_of_masks(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "JPEGImages").mkdir(exist_ok=True)
        (tmp_path / "SegmentationClass").mkdir(exist_ok=True)
        Image.new("RGB", (10, 8), (number, 0, 0)).save(tmp_path / "JPEGImages" / f"{number}.jpg")
        Image.fromarray(np.eye(8, 10, dtype=np.uint8) * (1 + number % 2)).save(
            tmp_path / "SegmentationClass" / f"{number}.png"
        )
    (tmp_path / "class_names.txt").write_text("__ignore__\n_background_\ncat\ndog\n")
    assert open_data(tmp_path, WHOLE).schema.target.names == ("_background_", "cat", "dog")
