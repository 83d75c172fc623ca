"""Finding out what a path or a name holds, opening it, and saying what is wrong where nothing fits."""

import gzip
import os
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Fact
from sonde.core.errors import DataError, SondeError
from sonde.data.listing import Listing
from sonde.data.splits import labels_of
from sonde.modalities import open as opening
from sonde.modalities.modality import Wanted
from sonde.modalities.open import open_data, open_like, place_of, recognise


def idx_set(folder: Path, classes: int = 10) -> Path:
    """A folder of 60 train and 20 test images in IDX form."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for prefix, n in (("train", 60), ("t10k", 20)):
        images, labels = rng.integers(0, 256, (n, 8, 8), dtype=np.uint8), (np.arange(n) % classes).astype(np.uint8)
        for role, array in (("images", images), ("labels", labels)):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{prefix}-{role}-idx{array.ndim}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return folder


def class_folders(folder: Path, **counts: int) -> Path:
    for level, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), 40 * level + number).save(folder / name / f"{number}.png")
    return folder


def csv(path: Path, rows: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("width,kind\n" + "".join(f"{i * 1.5},{'ab'[i % 2]}\n" for i in range(rows)))
    return path


def form_of(path: Path) -> str:
    return recognise(Listing(path), Wanted()).form.name


def test_each_form_is_told_from_the_others(tmp_path: Path) -> None:
    idx_set(tmp_path / "idx")
    class_folders(tmp_path / "folders", cat=3, dog=3)
    np.savez(tmp_path / "arrays.npz", x=np.zeros((9, 4)), y=np.arange(9))
    csv(tmp_path / "table.csv")
    csv(tmp_path / "tables" / "train.csv")
    assert {path.name: form_of(path) for path in tmp_path.iterdir()} == {
        "idx": "IDX files",
        "folders": "class folders of images",
        "arrays.npz": "NPZ or NPY arrays",
        "table.csv": "CSV, TSV, JSON-lines or Parquet tables",
        "tables": "CSV, TSV, JSON-lines or Parquet tables",
    }


def test_the_real_sets_are_told_apart(shared_data: Path) -> None:
    forms = {
        "mnist": "IDX files",
        "cifar10": "Parquet or Arrow files with images",
        "sst2": "tables of texts",
        "tabular/titanic.csv": "CSV, TSV, JSON-lines or Parquet tables",
        "dsb2018": "images beside masks",
        "bccd": "images with boxes (VOC, COCO, YOLO, KITTI, CVAT, Label Studio and others)",
        "faces_dlib": "images with boxes (VOC, COCO, YOLO, KITTI, CVAT, Label Studio and others)",
        "fsdd": "recordings (.wav, .flac) in class folders, with labels in their names or named in a table",
        "protein": "a folder of PDB or mmCIF files",
        "tinyshakespeare": ".txt files",
        "multi30k": "line-aligned texts in two languages (train.en, train.de)",
        "xquad_en": "SQuAD's JSON",
        "timeseries/ETTh1.csv": "tables of numbers at even steps of time",
        "molecules/tox21.csv.gz": "tables of molecules as SMILES",
        "genomics/splice.data": "tables of texts",
    }
    assert {name: form_of(shared_data / name) for name in forms} == forms


def test_of_an_image_folder_one_form_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(opening, "import_module", lambda name: asked.append(name) or import_module(name))
    form_of(class_folders(tmp_path / "photos", cat=3, dog=3))
    assert [name.rpartition(".")[2] for name in asked] == [
        "animated",
        "class_folders",
    ]  # the first only asks the settings
    asked.clear()
    form_of(class_folders(tmp_path / "others", images=3, dog=3))  # a folder of images may stand beside their masks
    assert [name.rpartition(".")[2] for name in asked] == ["masks", "animated", "class_folders"]


def test_what_stands_at_a_path_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = class_folders(tmp_path / "photos", cat=3, dog=3)
    seen: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: seen.append(str(path)) or scan(path))
    open_data(folder, DataConfig(validation=0, test=0))
    assert len(seen) == len(set(seen)) == 3


def test_a_form_that_is_not_read_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.docx").write_bytes(b"PK")
    with pytest.raises(
        DataError, match=r"holds 1 \.docx, which is not a known data format; it should hold one of: class folders"
    ):
        open_data(tmp_path / "letters", DataConfig())


def test_the_source_is_enough_to_open_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx_set(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    data = open_data("set", DataConfig())
    assert data.source == str(tmp_path / "set")
    again = open_data(data.source, DataConfig())
    assert again.fingerprint == data.fingerprint
    assert (labels_of(again.splits["train"]) == labels_of(data.splits["train"])).all()


def test_a_name_is_looked_for_in_sonde_data_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_DATA", str(tmp_path))
    idx_set(tmp_path / "fashion-mnist")
    data = open_data("fashion-mnist", DataConfig())
    assert data.name == data.source == "fashion-mnist"
    assert data.schema.target.names[:2] == ("T-shirt/top", "Trouser")
    csv(tmp_path / "tabular" / "shapes.csv")
    assert open_data("tabular/shapes.csv", data_config(target=("kind",))).source == "tabular/shapes.csv"


def test_digits_need_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SONDE_DATA", raising=False)
    data = open_data("digits", DataConfig())
    assert data.source == "digits"
    assert data.schema.input.shape == (1, 8, 8)


def test_tables_know_label_fraction(tmp_path: Path) -> None:
    data = open_data(csv(tmp_path / "t.csv", 100), data_config(target=("kind",), label_fraction=0.5, validation=0))
    assert len(data.splits["train"]) == 40
    assert data.facts[-1].what == "40 of 80 training rows"


def refused(data: Any, config: DataConfig | None = None) -> str:
    with pytest.raises(DataError) as caught:
        open_data(data, config or DataConfig())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_path_suggests_what_is_near(tmp_path: Path) -> None:
    class_folders(tmp_path / "photos", a=3, b=3)
    assert refused(tmp_path / "fotos") == f"{tmp_path}/fotos: no such file or folder; did you mean {tmp_path}/photos?"
    assert refused("CartPole-v1") == "CartPole-v1: no such file or folder; did you mean gym:CartPole-v1?"
    assert refused("tic_tac_toe") == "tic_tac_toe: no such file or folder; did you mean game:tic_tac_toe?"
    assert refused("gym:connect_four") == "gym:connect_four: no such environment; did you mean game:connect_four?"
    assert refused("mnits") == "mnits: no such file or folder; did you mean mnist or kmnist?"
    assert refused(tmp_path / "q" / "photos") == (
        f"{tmp_path}/q/photos: no such file or folder, nor a dataset's name; {tmp_path}/q does not exist either "
        "(names: sonde datasets)"
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refused(tmp_path).startswith(
        f"{tmp_path} is empty; it should hold one of: class folders of images, images beside masks, images with boxes"
    )


def test_what_no_form_takes(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"")
    (tmp_path / "b.xyz").write_bytes(b"")
    (tmp_path / "README").write_text("")
    assert refused(tmp_path).startswith(
        f"{tmp_path} holds 2 .xyz, 1 files without suffix, which is not a known data format"
    )
    assert refused(tmp_path / "a.xyz").startswith(f"{tmp_path}/a.xyz has no known data format suffix (.xyz)")


def test_several_tables_are_to_be_named(tmp_path: Path) -> None:
    csv(tmp_path / "one.csv")
    csv(tmp_path / "two.csv")
    assert refused(tmp_path).startswith(
        f"{tmp_path} holds several tables; name one of one.csv, two.csv, or call them train"
    )


def test_the_only_table_of_a_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    csv(folder / "customers.csv")
    (folder / "README.txt").write_text("of customers")
    asked = data_config(target=("kind",))
    found = open_data(folder, asked)
    assert (found.name, found.schema) == ("customers", open_data(folder / "customers.csv", asked).schema)
    assert found.facts[0] == Fact("the table is customers.csv", "shop holds no other data")
    assert open_like(folder, found.schema, asked).facts[0] == found.facts[0]
    (folder / "other.bin").write_bytes(b"")
    assert refused(folder).startswith(
        f"{folder} holds one table, customers.csv, beside other files; to read the table, name it: {folder}/customers.csv"
    )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    assert refused(tmp_path / "locked").startswith(f"{tmp_path}/locked may not be read")


def test_judging_other_data_by_a_schema(tmp_path: Path) -> None:
    trained = open_data(class_folders(tmp_path / "one", cat=10, dog=10), DataConfig())
    other = class_folders(tmp_path / "two", dog=4)  # one class is enough to be judged on
    for file in other.rglob("*.png"):
        with Image.open(file) as image:
            image.resize((30, 20)).convert("RGB").save(file)
    judged = open_like(other, trained.schema, DataConfig(validation=0, test=0))
    assert judged.schema == trained.schema
    assert labels_of(judged.splits["test"]).tolist() == [1, 1, 1, 1]
    assert judged.splits["test"].read(np.arange(4))["input"].shape == (4, 1, 8, 8)
    class_folders(tmp_path / "three", cow=2)
    with pytest.raises(
        DataError, match="train has a class 'cow' that the model was not trained on; there are cat, dog"
    ):
        open_like(tmp_path / "three", trained.schema, DataConfig())


def test_settings_that_cannot_apply_are_not_ignored(tmp_path: Path) -> None:
    folders = class_folders(tmp_path / "one", cat=3, dog=3)
    assert (
        refused(folders, data_config(target=("dog",)))
        == f"{folders} has class folders and no columns, so leave --target out"
    )
    assert refused("digits", data_config(target=("x",))) == "digits has arrays and no columns, so leave --target out"
    rows = (np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3)
    assert (
        refused(rows, data_config(image_size=32)) == "arrays in memory (30, 4) holds no images; leave --image-size out"
    )


def test_class_names_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    y = np.arange(30) % 3
    np.savez(tmp_path / "one.npz", x=x, y=y, names=np.array(["ant", "bee", "cat"]))
    np.savez(tmp_path / "two.npz", x=x, y=y, names=np.array(["cat", "ant", "bee"]))
    trained = open_data(tmp_path / "one.npz", DataConfig(validation=0, test=0))
    judged = open_like(tmp_path / "two.npz", trained.schema, DataConfig())
    assert labels_of(judged.splits["test"])[:3].tolist() == [2, 0, 1]


def test_judging_on_another_kind_of_data(tmp_path: Path) -> None:
    trained = open_data((np.random.default_rng(0).normal(size=(30, 64)), np.arange(30) % 3), DataConfig())
    with pytest.raises(DataError, match="holds images; the model was trained on rows of numbers"):
        open_like(class_folders(tmp_path / "one", cat=3, dog=3), trained.schema, DataConfig())


def test_digits_are_judged_under_their_own_names() -> None:
    trained = open_data("digits", DataConfig())
    judged = open_like("digits", trained.schema, DataConfig(validation=0, test=0))
    assert len(judged.splits["test"]) == 1797


@pytest.mark.parametrize("typed", [".", "../data", "../data/../data"])
def test_a_place_has_a_name_however_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    path = place_of(typed).path
    assert path is not None
    assert path.is_absolute()
    assert path.name == "data"
    assert path.samefile(tmp_path / "data")


def test_files_that_are_not_read_are_said_whatever_stands_beside_them(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("x,y\n" + "".join(f"{n / 7:.3f},{'ab'[n % 2]}\n" for n in range(40)))
    (tmp_path / "scans").mkdir()
    for n in range(3):
        (tmp_path / "scans" / f"{n}.dcm").write_bytes(b"DICM")
    (warning,) = open_data(tmp_path, data_config(target=("y",))).warnings
    assert warning.startswith(
        "3 .dcm files are not read, such as scans/0.dcm: write each as PNG or TIFF, for example in Python: import pydicom"
    )
    (tmp_path / "train.csv").unlink()
    with pytest.raises(
        DataError, match=r"holds scans/0\.dcm and 2 more files, which cannot be read as they are: write each as PNG"
    ):
        open_data(tmp_path, data_config())


OF_OTHERS = ("structure", "torsions", "inverse-folding", "simclr", "masked-autoencoder", "question-answering",
             "language-model", "speech-recognition", "detection", "segmentation")  # fmt: skip


@pytest.mark.parametrize("task", OF_OTHERS)
def test_a_task_that_no_column_would_do_for_is_not_told_to_name_one(tmp_path: Path, task: str) -> None:
    file = csv(tmp_path / "t.csv")
    with pytest.raises(SondeError, match=rf"^task {task} .*, and t.csv holds .*; leave --task {task} out$"):
        open_data(str(file), DataConfig(), task=task)


def test_the_target_that_is_suggested_suits_the_task(tmp_path: Path) -> None:
    rows = [f"{n},{('red', 'blue')[n % 2]},{n / 7:.3f},{('yes', 'no')[n % 3 == 0]}\n" for n in range(40)]
    file = tmp_path / "t.csv"
    file.write_text("id,colour,height,target\n" + "".join(rows))
    assert "Use --target 'target'" in refused(file)
    with pytest.raises(DataError, match="Use --target 'height'"):
        open_data(str(file), DataConfig(), task="regression")
    assert open_data(str(file), data_config(target=("height",)), task="regression").schema.target.kind == "value"


def test_a_form_that_another_task_hides_is_named(tmp_path: Path) -> None:
    unit = '<tu><tuv xml:lang="en"><seg>a man {0}</seg></tuv><tuv xml:lang="de"><seg>ein Mann {0}</seg></tuv></tu>'
    file = tmp_path / "m.tmx"
    file.write_text(f'<tmx version="1.4"><body>{"".join(unit.format(n) for n in range(30))}</body></tmx>')
    with pytest.raises(
        DataError, match=r"m.tmx is read as .*TMX, which task forecasting .*; leave --task forecasting out"
    ):
        open_data(str(file), DataConfig(), task="forecasting")
    assert open_data(str(file), DataConfig()).schema.target.kind == "tokens"


def test_a_date_of_no_calendar_is_refused_in_a_line(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    days = pa.array([0, 10**7] * 20, pa.int32()).cast(pa.date32())
    pyarrow.parquet.write_table(pa.table({"born": days, "target": ["yes", "no"] * 20}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t.parquet.*'born' cannot be read .*; write it again"):
        open_data(str(tmp_path / "t.parquet"), data_config(target=("target",)))
