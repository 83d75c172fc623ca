"""Files of one part that stand in another too."""

from pathlib import Path

import numpy as np

from sonde.data.same_files import same_files


def written(folder: Path, contents: list[bytes]) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{place}.png" for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def test_equal_files_are_counted_and_files_of_one_size_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    contents = [rng.bytes(9000) for _ in range(30)]
    alike_in_the_middle = b"x" + contents[0][1:]
    train = written(tmp_path / "train", contents)
    judged = written(
        tmp_path / "test", [*contents[:4], alike_in_the_middle, *(rng.bytes(9000) for _ in range(5)), b"short"]
    )
    assert same_files(train, judged, seconds=60) == (4, 11)
    assert same_files([], judged, seconds=60) == (0, 11)


def test_a_file_that_is_gone_is_like_no_other(tmp_path: Path) -> None:
    gone = [tmp_path / "a.png", tmp_path / "b.png"]
    assert same_files(gone[:1], gone[1:], seconds=60) == (0, 1)


def test_it_ends_when_time_is_up(tmp_path: Path) -> None:
    train = written(tmp_path / "train", [b"a"] * 3)
    assert same_files(train, train, seconds=-1) == (0, 0)
