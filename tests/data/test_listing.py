"""What stands at a path: looked at once, in the order of a person, without what is hidden."""

import os
from pathlib import Path

import pytest

from sonde.core.errors import DataError
from sonde.data.listing import Listing, can_be_a_path, head_and_tail, is_file_named, split_folders


def touched(folder: Path, *names: str) -> Listing:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return Listing(folder)


def test_files_folders_and_what_is_below(tmp_path: Path) -> None:
    place = touched(
        tmp_path, "b10/x.PNG", "b2/y.txt", "b2/deep/z", "a.csv", ".hidden/w.png", "b2/.v", "__MACOSX/u", "Thumbs.db"
    )
    assert [folder.name for folder in place.folders] == ["b2", "b10"]
    assert [file.name for file in place.files] == ["a.csv"]
    assert place.below == ["a.csv", "b2/deep/z", "b2/y.txt", "b10/x.PNG"]
    assert place.endings == {".csv", "", ".txt", ".png"}
    assert place.below_ending((".png", ".csv")) == ["a.csv", "b10/x.PNG"]
    assert place.folder_names == {"b2", "b10", "deep"}
    assert [file.name for file in Listing(tmp_path / "b10").ending(".png")] == ["x.PNG"]
    assert Listing(tmp_path / "a.csv").ending(".csv") == [tmp_path / "a.csv"]
    found = place.folder("b3", "b2")
    assert found is not None
    assert found.path == tmp_path / "b2"


def test_a_file_has_nothing_below(tmp_path: Path) -> None:
    touched(tmp_path, "a.csv.gz")
    one = Listing(tmp_path / "a.csv.gz")
    assert (one.is_file, one.is_dir, one.files, one.folders, one.endings) == (True, False, [], [], {".gz"})
    absent = Listing(tmp_path / "b")
    assert (absent.is_file, absent.is_dir, absent.files, absent.endings) == (False, False, [], frozenset())


def test_links_are_followed(tmp_path: Path) -> None:
    touched(tmp_path, "far/x.png")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far", target_is_directory=True)
    assert Listing(tmp_path / "near").below == ["link/x.png"]


def test_each_folder_is_read_once_and_each_file_looked_into_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = touched(tmp_path, "a/x.txt", "b/y.txt")
    seen: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: seen.append(str(path)) or scan(path))
    for _ in range(2):
        assert (place.below, place.endings, len(place.folders[0].files)) == (["a/x.txt", "b/y.txt"], {".txt"}, 1)
    assert len(seen) == 3
    looked: list[Path] = []

    def look(file: Path, size: int) -> bytes:
        looked.append(file)
        return head_and_tail(file, size)[0]

    file = tmp_path / "a" / "x.txt"
    assert [place.once(look, file, 3), place.folders[0].once(look, file, 3), place.once(look, file, 1)] == [
        b"a/x",
        b"a/x",
        b"a",
    ]
    assert len(looked) == 2


def test_the_ends_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert head_and_tail(tmp_path / "a", 3) == (b"012", b"789")
    assert head_and_tail(tmp_path / "a", 99) == (b"0123456789", b"0123456789")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_an_error_where_it_was_asked_for(tmp_path: Path) -> None:
    place = touched(tmp_path, "a.txt", "locked/b.txt")
    (tmp_path / "locked").chmod(0)
    try:
        assert place.below == ["a.txt"]
        with pytest.raises(PermissionError):
            Listing(tmp_path / "locked").files  # noqa: B018 - reading it is the test
        with pytest.raises(PermissionError):
            Listing(tmp_path / "locked").endings  # noqa: B018
    finally:
        (tmp_path / "locked").chmod(0o755)


def test_splits_by_the_names_of_folders(tmp_path: Path) -> None:
    place = touched(tmp_path, "Train/x", "dev/x", "others/x")
    assert {split: folder.name for split, folder in split_folders(place).items()} == {
        "train": "Train",
        "validation": "dev",
    }
    with pytest.raises(DataError, match="folders dev and val both hold the validation split; keep one"):
        split_folders(touched(tmp_path, "val/x"))


def test_sondes_own_runs_are_no_data(tmp_path: Path) -> None:
    for name in ("cats/1.png", "runs/cats-1/config.yaml", "runs/cats-1/data.json", "runs/cats-1/evaluation/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert Listing(tmp_path).below == ["cats/1.png"]
    assert Listing(tmp_path / "runs" / "cats-1").endings >= {".png"}  # one that is asked for


def test_links_that_lead_back_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "1.png").touch()
    (tmp_path / "b" / "2.png").touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert Listing(tmp_path).below == ["a/1.png", "b/2.png"]
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    assert Listing(tmp_path).below == ["a/1.png", "a/to_b/2.png", "b/2.png", "b/to_a/1.png"]


def test_pipes_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a.png is neither a file nor a folder \(a pipe or a device\); remove it"):
        _ = Listing(tmp_path).files


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "a\0b", "é" * 200])
def test_what_can_be_no_name_is_no_file(tmp_path: Path, name: str) -> None:
    assert not can_be_a_path(name)
    assert not is_file_named(tmp_path / name)
    (tmp_path / "a.jpg").touch()
    assert is_file_named(tmp_path / "a.jpg")


def test_a_damaged_file_is_looked_into_once(tmp_path: Path) -> None:
    listing, seen = touched(tmp_path, "a.txt"), []

    def look(file: Path) -> str:
        seen.append(file)
        raise DataError("a.txt is damaged")

    for _ in range(2):
        with pytest.raises(DataError, match="a.txt is damaged"):
            listing.once(look, tmp_path / "a.txt")
    assert len(seen) == 1
