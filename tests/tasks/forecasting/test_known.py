"""What is learned of columns that are known in advance, from the file to the forecast."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import sonde
from sonde.core.batch import Batch
from sonde.core.data_warning import DataWarning
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.nn.known_ahead import KnownAhead
from sonde.tasks.forecasting.config import ForecastingConfig
from sonde.tasks.forecasting.task import Forecasting

ROWS, HORIZON = 300, 7
NOISE, EFFECT = 0.3, 3.0


def shop(promotion: np.ndarray | None = None) -> tuple[pd.DataFrame, np.ndarray]:
    """(days, sales = season + 3 promotion + noise, none of the last ones; the season)."""
    generator = np.random.default_rng(0)
    count = ROWS + HORIZON
    promo = (generator.random(count) < 0.25).astype(int)
    if promotion is not None:
        promo[ROWS:] = promotion
    season = 10 + 2 * np.sin(2 * np.pi * np.arange(count) / 7)
    sold = season + EFFECT * promo + NOISE * generator.standard_normal(count)
    sold[ROWS:] = np.nan
    table = {"day": pd.date_range("2021-01-01", periods=count), "sold": sold, "promo": promo}
    return pd.DataFrame(table | {"temp": generator.standard_normal(count)}), season


@pytest.mark.filterwarnings("ignore::sonde.core.data_warning.DataWarning")
def test_a_promotion_that_is_known_in_advance_is_forecast(tmp_path: Path) -> None:
    shop()[0].to_csv(tmp_path / "shop.csv", index=False)
    how = {"target": "sold", "horizon": HORIZON, "look_back": 28, "quiet": True}
    without = sonde.train(tmp_path / "shop.csv", out=tmp_path / "without", **how)
    run = sonde.train(tmp_path / "shop.csv", known=["promo"], out=tmp_path / "with", **how)
    floor = NOISE * np.sqrt(2 / np.pi)  # mean absolute value of the noise
    assert without.metrics["raw_mae"] > 3 * floor
    assert run.metrics["raw_mae"] < 1.25 * floor
    forecasts, table = {}, shop()[0]
    for name, promotion in {"none": np.zeros(HORIZON), "all": np.ones(HORIZON)}.items():
        table, season = shop(promotion)
        for temp in (0.0, 99.0):
            table.loc[ROWS:, "temp"] = temp
            forecasts[name, temp] = np.array([row["sold"] for row in run.predict(table)])
        np.testing.assert_array_equal(forecasts[name, 0.0], forecasts[name, 99.0])
        np.testing.assert_allclose(forecasts[name, 0.0], season[ROWS:] + EFFECT * promotion, atol=0.5)
    np.testing.assert_allclose(forecasts["all", 0.0] - forecasts["none", 0.0], EFFECT, atol=0.3)
    again = sonde.load(tmp_path / "with")
    assert again.evaluate(tmp_path / "shop.csv")["raw_mae"] == pytest.approx(run.metrics["raw_mae"], rel=1e-4)
    with torch.inference_mode():
        standardised = again.model(*again.preprocess(table))[0, :, 0]
    target = again.schema.target
    np.testing.assert_allclose(standardised * target.std[0] + target.mean[0], forecasts["all", 99.0], rtol=1e-4)


def test_a_run_without_them_says_that_they_are_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop()[0].to_csv(tmp_path / "shop.csv", index=False)
    run = sonde.train(
        tmp_path / "shop.csv", target="sold", horizon=HORIZON, look_back=28, epochs=1, out=tmp_path / "run"
    )
    said = "their 'promo', 'temp' are not used: of what is known in advance, name the columns: --known promo temp"
    assert said.replace("--known promo temp", "") in " ".join(capsys.readouterr().out.split())
    assert "are not used: of what is known in advance" in (tmp_path / "run" / "findings.jsonl").read_text()
    with pytest.warns(DataWarning, match="values of 'promo', 'temp' in the rows to forecast are not used"):
        run.predict(tmp_path / "shop.csv")


class Last(nn.Module):
    def forward(self, input: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return input[:, -1:, :1].expand(-1, HORIZON, -1)


def test_a_module_that_is_handed_over_is_refused_with_those_that_take_them(tmp_path: Path) -> None:
    shop()[0].to_csv(tmp_path / "shop.csv", index=False)
    with pytest.raises(ConfigError, match=r"gets only the past; give model='file.py:Last', or take one of .*nlinear"):
        sonde.train(
            tmp_path / "shop.csv", model=Last(), target="sold", known="promo", horizon=HORIZON, out=tmp_path / "run"
        )


def test_what_is_known_does_not_widen_the_quantiles() -> None:
    look_back, known = 28, 2
    torch.manual_seed(0)
    model = KnownAhead(Last(), look_back=look_back, variables=1, known=known)
    nn.init.normal_(model.effect.head.weight)
    target = TargetSpec(
        kind="series", names=("a",), mean=(0.0,), std=(1.0,), shape=(HORIZON, 1), season=1, scales=(1.0,)
    )
    task = Forecasting(model, target, ForecastingConfig(loss="quantile"))
    covariates = torch.randn(3, look_back + HORIZON, known)
    noise = 0.1 * torch.randn(3, look_back, 1)
    fields = {"lengths": torch.full((3,), look_back), "covariates": covariates}
    with torch.inference_mode():
        effect = model.effect(covariates)[:, :look_back]
        found = task.predict(Batch({"input": effect + noise, **fields}, torch.arange(3)))["quantiles"]
    spread = noise.std(1, unbiased=False)[..., None, None]
    torch.testing.assert_close(
        (found[..., 2:] - found[..., :1]) / spread, torch.full((3, HORIZON, 1, 1), 2 * 1.2816), rtol=1e-3, atol=0
    )
