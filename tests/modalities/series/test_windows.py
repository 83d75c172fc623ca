import pickle
from dataclasses import replace

import numpy as np

from sonde.data.feed.layout import lengths_of
from sonde.data.rows import WithTruth
from sonde.data.splits import truth_of
from sonde.modalities.series.time_index import TimeStep
from sonde.modalities.series.windows import SeriesWindows

STEPS = 40


def windows(**more: object) -> SeriesWindows:
    """Two variables, t and 100 + t, of which the first is forecast."""
    given: dict = {
        "values": np.stack([np.arange(STEPS), 100 + np.arange(STEPS)], 1).astype(np.float32),
        "stamps": np.arange(STEPS).astype("datetime64[h]").astype("datetime64[s]"),
        "step": TimeStep(3600, "seconds"),
        "moments": np.arange(10, 31),
        "look_back": 6,
        "horizon": 5,
        "forecast": 1,
        "place": "x.csv",
    }
    return SeriesWindows(**{**given, **more})


def test_a_window_is_what_went_before_a_moment_and_what_came_after() -> None:
    rows = windows()
    read = rows.read(np.array([0, 20]))
    assert read["input"][0].tolist() == [[t, 100 + t] for t in range(4, 10)]
    assert read["target"][1].tolist() == [[t] for t in range(30, 35)]
    assert read["lengths"].tolist() == [6, 6]
    assert read.keys() == {"input", "target", "lengths"}
    assert read["input"].dtype == read["target"].dtype == np.float32
    assert (rows.targets() == rows.read(np.arange(21))["target"]).all()
    assert rows.describe(0) == "x.csv from 1970-01-01 10:00:00"


def test_windows_share_one_array_and_are_fed_by_gathering() -> None:
    rows = windows()
    assert rows.values is replace(rows, moments=rows.moments[1:3]).values
    assert rows.nbytes() == (20 + 6 + 5) * 2 * 4
    lengths = lengths_of(rows)
    assert lengths is not None
    assert lengths.tolist() == [6] * 21
    again = pickle.loads(pickle.dumps(rows))
    assert (again.read(np.array([3]))["input"] == rows.read(np.array([3]))["input"]).all()


def test_judged_windows_bring_the_last_season_repeated_beyond_its_end() -> None:
    rows = windows(season=3)
    assert rows.read(np.array([0]))["seasonal"][0, :, 0].tolist() == [7, 8, 9, 7, 8]
    truth = truth_of(rows, masked=False)
    assert isinstance(rows, WithTruth)
    assert truth.keys() == {"target", "seasonal", "last"}
    assert truth["last"][:, 0, 0].tolist() == list(range(9, 30))
    assert len(truth["target"]) == 21
    assert len(truth_of(windows(), masked=False)["target"]) == 0, "windows that are trained on need no baseline"


def test_what_was_filled_in_is_masked() -> None:
    known = np.ones((STEPS, 1), bool)
    known[12] = False
    read = windows(known=known).read(np.array([0, 5]))
    assert read["mask"][:, :, 0].tolist() == [[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]]
    assert read["mask"].dtype == np.float32
