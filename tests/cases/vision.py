"""Images and tables as people keep them, from `vision/`: what a careful person reads in each."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sonde.modalities.open import open_data
from sonde.modalities.settings import data_config
from tests.cases.case import Case, Data, Done, Refused, finished, require


def rows_of(done: Done) -> dict[str, np.ndarray]:
    """All rows of all splits of what a run was trained on, as they are read."""
    dataset = open_data(done.json("data.json")["source"], data_config({}))
    parts = [split.read(np.arange(len(split))) for split in dataset.splits.values() if len(split)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def reflectances(done: list[Done]) -> None:
    values = rows_of(done[0])["input"]
    require(values.dtype == np.float32, f"stored as {values.dtype}")
    scale = float(np.load(done[0].json("data.json")["source"])["x"].max()) / float(values.max())
    require(len(np.unique(values)) > 1000, f"{len(np.unique(values))} values are left of thousands (scaled by {scale})")


def depth_of_12_bits(done: list[Done]) -> None:
    levels = len(np.unique(rows_of(done[0])["input"]))
    require(levels > 64, f"{levels} levels are left of a hundred")
    accuracy = done[0].json("result.json")["metrics"]["test"]["accuracy"]
    require(accuracy == 1, f"{accuracy} test accuracy, where windowed images give 1")


def box_sizes(low: float, high: float) -> Callable[[list[Done]], None]:
    """A check of the sides of all boxes, in pixels of the stored image."""

    def check(done: list[Done]) -> None:
        boxes = rows_of(done[0])["target"].reshape(-1, 5)
        boxes = boxes[np.ptp(boxes[:, 1:], axis=1) > 0] if len(boxes) else boxes
        sides = np.concatenate([box_side(boxes, 0), box_side(boxes, 1)])
        require(bool(((sides > low) & (sides < high)).all()), f"boxes have sides of {sides.min()} to {sides.max()}")

    return check


def box_side(boxes: np.ndarray, axis: int) -> np.ndarray:
    """Widths (axis 0) or heights (axis 1) of boxes (N, 5), whichever column the class stands in."""
    corners = boxes[:, :4] if (boxes[:, 4] < 4).all() else boxes[:, 1:]
    return corners[:, axis + 2] - corners[:, axis]


def predicts_codes(done: list[Done]) -> None:
    said = set(re.findall(r"^codes\.csv row \d+ +(\S+)", done[1].out, re.MULTILINE))
    require(said <= {"00", "0", "01", "12"} and len(said) > 0, f"predictions say {said}")


def second_run(done: list[Done]) -> None:
    """Two more runs from inside the folder, which by then holds a run; both see two classes and 28 images."""
    data = done[0].json("data.json")
    require(sum(data["splits"].values()) == 28, f"{data['splits']} rows the first time")
    for each in done[1:3]:
        require("28 images" in each.out and "2 classes: blue, red" in each.out, each.out[:300])


INSIDE = ("train", ".", "--steps", "2", "--threads", "1")

CASES: list[Case] = [
    Data(
        name="bands13", right="13 channels to the end", data="vision/bands13/bands.npz",
        shape=(13, 16, 16), rows=20, target="class",
    ),
    Data(
        name="busi", right="30 images of 3 classes; masks left out with a word", data="vision/busi",
        names=("benign", "malignant", "normal"), rows=30, warns=("33 images are masks of others",),
    ),
    Data(
        name="busi as masks", right="segmentation, as the warning says", data="vision/busi",
        flags=("--task", "segmentation"), target="mask", task="segmentation", slow=True,
    ),
    Data(
        name="class_codes_with_zeros", right="classes 00, 0, 01, 12 as written; predicted so",
        data="vision/class_codes_with_zeros/codes.csv", flags=("--target", "code"), names=("00", "0", "01", "12"), rows=160,
        then=(("predict", "{run}", "{cases}/vision/class_codes_with_zeros/codes.csv"),), check=predicts_codes,
    ),
    Data(
        name="class_none", right="None is a class, and said", data="vision/class_none/sleep.csv",
        flags=("--target", "Sleep Disorder"), names=("Insomnia", "None", "Sleep Apnea"), rows=150,
        warns=("82 of 150 cells of 'Sleep Disorder' hold 'None'",),
    ),
    Data(
        name="coco_backslash", right="images found by the tail of their paths", data="vision/coco_backslash",
        target="boxes", rows=20, names=("red", "blue"), facts=("20 images with 20 objects",),
    ),
    Refused(
        name="coco_ids_twice", right="refused: the id and both files", words=("train", "{cases}/vision/coco_ids_twice"),
        says=("image id 20250116", "20250116_120001.jpg", "20250116_120002.jpg"),
    ),
    Data(
        name="coco_test_without_annotations", right="test set aside with a word",
        data="vision/coco_test_without_annotations", target="boxes", rows=12,
        warns=("test.json has no annotations: its 4 images",),
    ),
    Data(
        name="coco_text_ids", right="ids need only be equal", data="vision/coco_text_ids",
        target="boxes", rows=20, facts=("20 images with 20 objects",),
    ),
    Data(
        name="cvat_xml", right="read: 19 boxes", data="vision/cvat_xml", target="boxes", rows=12,
        names=("blue", "red"), facts=("12 images with 19 objects",),
    ),
    Data(
        name="dates_named_months", right="two columns of dates", data="vision/dates_named_months/log.csv",
        flags=("--target", "y"), rows=150, facts=("1 number, 2 dates",),
        warns=("--time 'when' holds back the latest", "--time 'day' holds back the latest"),
    ),
    Data(
        name="dates_named_months --time", right="the remedy of the warning", data="vision/dates_named_months/log.csv",
        flags=("--target", "y", "--time", "when"), rows=150,
    ),
    Data(
        name="dot_class_folders", right="`train .` as from outside", data="vision/dot_class_folders", copy=True,
        names=("blue", "red"), target="class",
    ),
    Data(
        name="excel_sep_line", right="sep=; is read; 120 prices", data="vision/excel_sep_line/export.csv",
        flags=("--target", "Preis"), task="regression", rows=120,
    ),
    Data(
        name="german_thousands", right="1.234,56 is a number", data="vision/german_thousands/miete.csv",
        flags=("--target", "Miete"), task="regression", rows=150,
    ),
    Data(
        name="header_line_break", right="60 rows, 2 classes, one name of two lines",
        data="vision/header_line_break/sheet.csv", flags=("--target", "y"),
        rows=60, names=("bad", "good"), columns=("first name", "color"),
    ),
    Data(
        name="image_label_folders", right="segmentation of 2 classes", data="vision/image_label_folders",
        target="mask", rows=16, names=("background", "foreground"),
    ),
    Data(
        name="integer_classes_24", right="24 classes; the other reading is named",
        data="vision/integer_classes_24/letters.csv", flags=("--target", "label"), task="classification", rows=480,
        warns=("24 distinct integers, read as classes; --task regression reads them as values",),
    ),
    Data(
        name="integer_classes_24 --task", right="values, as the warning says",
        data="vision/integer_classes_24/letters.csv", flags=("--target", "label", "--task", "regression"), target="value",
    ),
    Data(
        name="jfif_class", right=".jfif is JPEG: 36 images of 3 classes", data="vision/jfif_class",
        rows=36, names=("blue", "mixed", "red"), then=(("predict", "{run}", "{cases}/vision/jfif_class/mixed"),),
    ),
    Data(
        name="kaggle_csv", right="labels of train.csv; test_images/ aside", data="vision/kaggle_csv",
        input="image", names=("0", "1"), rows=30, warns=("6 images of test_images/ have no label",),
    ),
    Data(
        name="kaggle_csv/train.csv", right="the same from the table", data="vision/kaggle_csv/train.csv",
        flags=("--target", "label"), input="image", names=("0", "1"), rows=30,
    ),
    Data(
        name="labels_with_bars", right="4 labels a row, and said", data="vision/labels_with_bars/findings.csv",
        flags=("--target", "Finding Labels"), target="labels", rows=240,
        names=("Effusion", "Infiltration", "Mass", "Nodule"), warns=("join names by '|'",),
    ),
    Data(
        name="mask_colours", right="3 classes named by class_dict.csv", data="vision/mask_colours",
        target="mask", names=("void", "roof", "tree"), rows=16,
    ),
    Data(
        name="mask_grey_levels", right="levels 0, 127, 255 are 3 classes", data="vision/mask_grey_levels",
        target="mask", names=("background", "127", "255"), rows=16, warns=("grey levels 0, 127, 255",),
    ),
    Refused(
        name="mask_jpeg_three", right="refused: JPEG masks of three levels", words=("train", "{cases}/vision/mask_jpeg_three"),
        says=("JPEG of 3 grey levels", "save them as PNG"),
    ),
    Data(
        name="mask_palettes_differ", right="classes by colour, and said", data="vision/mask_palettes_differ",
        target="mask", names=("background", "#008000", "#800000"), rows=16, warns=("palettes differ from file to file",),
    ),
    Data(
        name="mask_soft_edges", right="2 classes, cut at 128, and said", data="vision/mask_soft_edges",
        target="mask", names=("background", "foreground"), rows=16, warns=("foreground from level 128",),
    ),
    Data(
        name="png_12bit", right="4,096 levels kept; learnable", data="vision/png_12bit", flags=("--epochs", "8"),
        names=("lesion", "normal"), rows=32, check=depth_of_12_bits,
    ),
    Data(
        name="price_with_dollar", right="$1,385.00 is a number", data="vision/price_with_dollar/listings.csv",
        flags=("--target", "price"), task="regression", rows=200,
        columns=("accommodates", "response_rate", "fee"), facts=("left out id",),
    ),
    Data(
        name="price_with_dollar --task", right="the same when asked for", data="vision/price_with_dollar/listings.csv",
        flags=("--target", "price", "--task", "regression"), task="regression", rows=200,
    ),
    Data(
        name="reflectance", right="float32 keeps its values", data="vision/reflectance/reflect.npz",
        shape=(3, 8, 8), rows=60, facts=("to 1.4 are kept as float32",), check=reflectances,
    ),
    Data(
        name="runs_inside", right="runs/ is never data; resume and eval go on", data="vision/runs_inside", copy=True,
        names=("blue", "red"), rows=28,
        then=(INSIDE, INSIDE, ("resume", "{run}", "--steps", "4"), ("eval", "{run}", ".")), check=second_run,
    ),
    Data(
        name="test_beside_classes", right="2 classes; test/ aside with a word", data="vision/test_beside_classes",
        names=("nok", "ok"), rows=24, warns=("test/ is set aside: its 8 images",),
    ),
    Data(
        name="test_flat", right="test/ aside with a word", data="vision/test_flat",
        names=("blue", "red"), rows=24, warns=("test/ is set aside: its 6 images",),
    ),
    Data(
        name="tiff_pages", right="pages read as channels, or said", data="vision/tiff_pages",
        names=("a", "b"), rows=24, check=lambda done: pages(done[0]),
    ),
    Data(
        name="voc_corners_swapped", right="corners sorted and said", data="vision/voc_corners_swapped",
        target="boxes", rows=20, facts=("20 objects",), warns=("7 boxes with swapped corners",), check=box_sizes(3, 60),
    ),
    Data(
        name="yolo_pose", right="boxes of 18x19 pixels of 48; key points left out, and said", data="vision/yolo_pose",
        target="boxes", rows=20, warns=("key points",), check=box_sizes(14, 36),
    ),
    Data(
        name="yolo_yaml_splits", right="day trains, night validates, as data.yaml says", data="vision/yolo_yaml_splits",
        target="boxes", facts=("15 train + 5 validation images",), check=lambda done: night(done[0]),
    ),
]  # fmt: skip


def pages(done: Done) -> None:
    channels = done.json("schema.json")["input"]["shape"][0]
    require(
        channels > 1 or any("several pages" in each for each in done.data_warnings), "pages are left out in silence"
    )


def night(done: Done) -> None:
    require(done.json("data.json")["splits"]["validation"] == 5, "validation is not images/night")
    inspected = finished(("inspect", done.json("data.json")["source"]), Path("none"))
    require(re.search(r"^validation +5$", inspected.out, re.MULTILINE) is not None, inspected.out[:500])
