"""Windows over one series as rows: what went before a moment, and what came after it. Nothing is copied until it is read."""

from dataclasses import dataclass, field

import numpy as np

from sonde.modalities.series.scales import Scales
from sonde.modalities.series.time_index import TimeStep, written

# n windows, T steps of the series, L look-back, H horizon, V variables, F of them that are forecast, the first


@dataclass(frozen=True, kw_only=True)
class SeriesWindows:
    """Rows of a series, each a window around a moment (`sonde.data.rows.Sequences`).

    values:   (T, V) float32, standardised
    known:    (T, F) bool, False where a value was missing and filled in; None where none was
    stamps:   (T,) datetime64[s];  step: how far they are apart
    moments:  (n,) int64, the first step of each forecast
    labels, bases: where several series stand one behind the other, what each is called, and where it begins
    scales:   of those by which `values` are standardised; None where all steps have one scale
    covariates: (T, K) float32, what is known of every step in advance; None for nothing
    season:   steps after which the series repeats itself, for windows to evaluate on, which bring `seasonal`; 0 for others
    """

    values: np.ndarray
    stamps: np.ndarray
    step: TimeStep
    moments: np.ndarray
    look_back: int
    horizon: int
    forecast: int
    place: str
    known: np.ndarray | None = None
    season: int = 0
    labels: tuple[str, ...] = ()
    bases: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    scales: Scales | None = None
    covariates: np.ndarray | None = None
    _back: np.ndarray = field(init=False, repr=False, compare=False)
    _ahead: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_back", np.arange(-self.look_back, 0))
        object.__setattr__(self, "_ahead", np.arange(self.horizon))

    def __len__(self) -> int:
        return len(self.moments)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """input (n, L, V), target (n, H, F), lengths (n,); mask (n, H, F) where values are missing; seasonal (n, H, F), the
        values a season before each of the target's steps, the last season repeated beyond it; covariates (n, L + H, K) of the
        look-back and of the horizon; of series with scales of their
        own `series` (n,), its number, and `centre`, `spread`, `season_error` (n, 1, F), each series' own.
        """
        moments = self.moments[indices][:, None]
        found = {
            "input": self.values[moments + self._back],
            "target": self._at(self.values, moments + self._ahead),
            "lengths": np.full(len(moments), self.look_back),
        }
        if self.known is not None:
            found["mask"] = self._at(self.known, moments + self._ahead).astype(np.float32)
        if self.covariates is not None:
            found["covariates"] = self.covariates[moments + np.concatenate([self._back, self._ahead])]
        if self.season:
            found["seasonal"] = self._at(self.values, moments - self.season + self._ahead % self.season)
        return (
            found
            if self.scales is None
            else found | own_scales(self.scales, self._number(moments[:, 0]), self.forecast)
        )

    def describe(self, index: int) -> str:
        """ "ETTh1.csv from 2018-01-01 00:00:00": where the forecast begins."""
        label = f" {self.label_of(index)}" if self.labels else ""
        return f"{self.place}{label} from {written(self.stamps[int(self.moments[index])], self.step)}"

    def label_of(self, index: int) -> str:
        """Which of several series a window is of, "" of a single one."""
        return self.labels[int(self._number(self.moments[index]))] if self.labels else ""

    def nbytes(self) -> int:
        """Bytes of the steps that these windows look at."""
        span = int(self.moments[-1] - self.moments[0]) + self.look_back + self.horizon
        width = self.values.shape[1] + (0 if self.covariates is None else self.covariates.shape[1])
        return span * width * self.values.itemsize

    def lengths(self) -> np.ndarray:
        """(n,) int64, all the look-back."""
        return np.full(len(self), self.look_back)

    def targets(self) -> np.ndarray:
        """The `target` field of all windows."""
        return self._at(self.values, self.moments[:, None] + self._ahead)

    def truth(self) -> dict[str, np.ndarray]:
        """What a baseline is computed from: target, mask and seasonal as `read` gives them, and last (n, 1, F), the value
        before each forecast. Of windows that are trained on none: repeating the past takes no fitting.
        """
        evaluated = np.arange(len(self) if self.season else 0)
        fed = ("input", "lengths", "covariates")
        found = {name: value for name, value in self.read(evaluated).items() if name not in fed}
        return {**found, "last": self._at(self.values, self.moments[evaluated][:, None] - 1)}

    def _number(self, moments: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.bases, moments, "right") - 1

    def _at(self, values: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return values[:, : self.forecast][steps]


def own_scales(scales: Scales, series: np.ndarray, forecast: int) -> dict[str, np.ndarray]:
    """The fields that bring what a network says of some series, by number (n,), back to their own units."""
    whole = {
        "centre": scales.mean[:, :forecast],
        "spread": scales.std[:, :forecast],
        "season_error": scales.season_error,
    }
    fields = {name: values[series][:, None].astype(np.float32) for name, values in whole.items()}
    return {"series": series.astype(np.int64), **fields}
