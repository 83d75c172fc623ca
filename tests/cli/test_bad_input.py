"""Every bad input a person can bring: one line that says what and what to do, exit code 2, no traceback, no run left behind."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.cli.main import main


def image(path: Path, *, size: int = 12, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(abs(hash(path.name)) % 2**32).integers(0, 255, (size, size, 3), dtype=np.uint8)
    pixels[0, 0] = value
    Image.fromarray(pixels).save(path)


def folders(root: Path, names: tuple[str, ...] = ("cat", "dog"), count: int = 12) -> Path:
    for name in names:
        for number in range(count):
            image(root / name / f"{number}.png", value=number)
    return root


def table(path: Path, rows: int = 40, *, last: str = "") -> Path:
    lines = ["size,colour,price"]
    lines += [f"{n % 7}.{n},{'red' if n % 3 else 'blue'},{n * 1.5}" for n in range(rows)]
    path.write_text("\n".join(lines) + "\n" + last)
    return path


def idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    with gzip.open(path, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


def idx_folder(root: Path, *, images: int = 60, labels: int = 60) -> Path:
    root.mkdir()
    generator = np.random.default_rng(0)
    idx(root / "train-images-idx3-ubyte.gz", generator.integers(0, 255, (images, 8, 8)))
    idx(root / "train-labels-idx1-ubyte.gz", np.arange(labels) % 3)
    return root


def missing_path(tmp: Path) -> list[str]:
    folders(tmp / "photos")
    return [str(tmp / "photo")]


def empty_folder(tmp: Path) -> list[str]:
    (tmp / "empty").mkdir()
    return [str(tmp / "empty")]


def one_class(tmp: Path) -> list[str]:
    return [str(folders(tmp / "photos", ("cat",)))]


def unreadable_image(tmp: Path) -> list[str]:
    root = folders(tmp / "photos")
    (root / "cat" / "3.png").write_bytes(b"not a picture")
    return [str(root)]


def half_an_image(tmp: Path) -> list[str]:
    root = folders(tmp / "photos")
    path = root / "dog" / "5.png"
    path.write_bytes(path.read_bytes()[:-200])
    return [str(root)]


def truncated_gz(tmp: Path) -> list[str]:
    root = idx_folder(tmp / "idx")
    path = root / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-400])
    return [str(root)]


def truncated_parquet(tmp: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp / "t.parquet"
    pq.write_table(pa.table({"a": list(range(100)), "b": [1.5 * n for n in range(100)]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    return [str(path), "--target", "b"]


def unequal_lengths(tmp: Path) -> list[str]:
    return [str(idx_folder(tmp / "idx", images=60, labels=59))]


def ragged(tmp: Path) -> list[str]:
    return [str(table(tmp / "t.csv", last="1,red\n")), "--target", "price"]


def no_such_target(tmp: Path) -> list[str]:
    return [str(table(tmp / "t.csv")), "--target", "prize"]


def constant_target(tmp: Path) -> list[str]:
    path = tmp / "t.csv"
    path.write_text("a,b\n" + "\n".join(f"{n},7" for n in range(30)) + "\n")
    return [str(path), "--target", "b"]


def text_for_numbers(tmp: Path) -> list[str]:
    path = tmp / "t.csv"
    path.write_text("a,b\n" + "\n".join(f"{n},{n * 2.5}" for n in range(50)) + "\n50,many\n")
    return [str(path), "--target", "b", "--task", "regression"]


def nan_input(tmp: Path) -> list[str]:
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    x[17, 2] = np.nan
    np.savez(tmp / "a.npz", x=x, y=np.arange(50) % 2)
    return [str(tmp / "a.npz")]


def labels_out_of_range(tmp: Path) -> list[str]:
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    picture = tmp / "one.png"
    image(picture)
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    rows = [{"bytes": picture.read_bytes(), "path": f"{n}.png"} for n in range(40)]
    labels = [7 if n == 31 else n % 2 for n in range(40)]
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(
        pa.table({"image": rows, "label": labels}).replace_schema_metadata(metadata), tmp / "train-0.parquet"
    )
    return [str(tmp / "train-0.parquet")]


def large_batch(tmp: Path) -> list[str]:
    return ["digits", "--batch-size", "100000"]


def used_folder(tmp: Path) -> list[str]:
    (tmp / "out").mkdir()
    (tmp / "out" / "thesis.tex").write_text("")
    return ["digits", "--out", str(tmp / "out")]


def unwritable(tmp: Path) -> list[str]:
    (tmp / "file").write_text("")
    return ["digits", "--out", str(tmp / "file" / "run")]


def live_run(tmp: Path) -> list[str]:
    import fcntl

    (tmp / "out").mkdir()
    handle = os.open(tmp / "out" / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, b"4711\n")
    return ["digits", "--out", str(tmp / "out")]


def with_digits(*flags: str) -> Callable[[Path], list[str]]:
    return lambda tmp: ["digits", *flags]


TABLE: list[tuple[Callable[[Path], list[str]], str]] = [
    (missing_path, r"photo.*(photos)"),
    (empty_folder, r"empty"),
    (one_class, r"one class.*cat|cat.*one class|only.*cat"),
    (unreadable_image, r"cat.3\.png.*--skip-unreadable"),
    (half_an_image, r"dog.5\.png.*--skip-unreadable"),
    (truncated_gz, r"train-images-idx3-ubyte\.gz.*(truncated|ends)"),
    (truncated_parquet, r"t\.parquet"),
    (unequal_lengths, r"59 labels.*60 images"),
    (ragged, r"t\.csv.*(row|line) 4[12]"),
    (no_such_target, r"prize.*price"),
    (constant_target, r"t\.csv.*'b' is '7' in every row"),
    (text_for_numbers, r"t\.csv.*(row|line) 5[012].*many"),
    (nan_input, r"a\.npz.*row 17"),
    (labels_out_of_range, r"row 31.*7|7.*row 31"),
    (large_batch, r"--batch-size 100000 is larger than the 1,2\d\d training rows; give at most"),
    (used_folder, r"out is not empty and holds no run"),
    (unwritable, r"cannot write to .*file.run"),
    (live_run, r"out is in use by process 4711"),
    (with_digits("--model", "restnet18"), r"unknown model 'restnet18'; did you mean .*'resnet18'"),
    (with_digits("--epoch", "3"), r"--epoch\b.*did you mean --epochs"),
    (with_digits("--optimizer", "adamm"), r"--optimizer.*adamm.*adam"),
    (with_digits("--epochs", "many"), r"--epochs.*many"),
    (with_digits("--device", "cuda"), r"--device cuda: torch .*no CUDA GPU.*--device cpu"),
    (with_digits("--precision", "fp16"), r"fp16 needs a CUDA GPU.*bf16"),
    (with_digits("--epochs", "0"), r"--epochs must be above 0, got 0"),
    (with_digits("--lr", "-0.1"), r"--lr must be above 0, got -0.1"),
    (with_digits("--patience", "some"), r"--patience: 'some' is not a duration; write it like 3 evaluations, 2 epochs"),
    (with_digits("--time-limit", "soon"), r"'soon' is not a duration"),
    (with_digits("--monitor", "accuracyy"), r"accuracyy.*accuracy"),
    (with_digits("--task", "classify"), r"unknown task 'classify'.*classification"),
    (with_digits("--augment", "flop"), r"flop.*flip"),
    (with_digits("--model", "mlp", "--dropout", "1.5"), r"dropout.*1\.5"),
    (with_digits("--config", "nowhere.yaml"), r"nowhere\.yaml"),
]


@pytest.mark.parametrize(("make", "expected"), TABLE, ids=[f"{n}-{make.__name__}" for n, (make, _) in enumerate(TABLE)])
def test_one_line_and_exit_code_two(
    make: Callable[[Path], list[str]],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = make(tmp_path)
    code = main(["train", *arguments])
    captured = capfd.readouterr()
    lines = captured.err.strip().splitlines()
    assert code == 2, captured.out + captured.err
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("sonde: error: ")
    import re

    assert re.search(expected, lines[0]), lines[0]
    assert "Traceback" not in captured.out + captured.err


def test_unreadable_images_can_be_left_out_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (argument,) = unreadable_image(tmp_path)
    flags = [
        "--skip-unreadable",
        "--model",
        "mlp",
        "--epochs",
        "1",
        "--batch-size",
        "4",
        "--threads",
        "1",
        "--out",
        "run",
    ]
    assert main(["train", argument, *flags]) == 0
    assert "1 unreadable" in capfd.readouterr().out
    assert "unreadable" in (tmp_path / "run" / "findings.jsonl").read_text()


@pytest.mark.parametrize("verb", ["eval", "predict", "resume", "report"])
def test_no_such_run(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rest = ["digits"] if verb in ("eval", "predict") else []
    assert main([verb, "runs/nothing", *rest]) == 2
    error = capfd.readouterr().err.strip()
    assert "there is no run folder runs/nothing" in error
    assert len(error.splitlines()) == 1


def test_a_fault_of_ours_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    import sonde.api

    def planted(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(sonde.api, "run_job", planted)
    with pytest.raises(RuntimeError, match="planted"):
        main(["train", "digits"])
