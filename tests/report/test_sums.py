import random

import jiwer
import numpy as np
import pytest
import sacrebleu
import torch
from scipy import stats

from sonde.core.dataset import TargetSpec
from sonde.metrics.bleu import Bleu
from sonde.metrics.intervals import expanded, wilson
from sonde.report.sums import (
    beside_the_baseline,
    interval_of_sums,
    joined_sums,
    paired_sums,
    read_sums,
    same_sums,
    statistic,
    value_of,
)
from tests.metrics.test_forecasting import judged as forecast
from tests.metrics.test_forecasting import outputs as forecasts
from tests.metrics.test_segmentation import NAMES, judged, rows
from tests.metrics.test_transcripts import LETTERS, TranscriptMeter, drawn, fed

SCALES = {"centre": [5.0] * 7, "spread": [1.0, 9.0, 2.0, 3.0, 4.0, 5.0, 6.0], "season_error": [7.0, 0.0] + [2.0] * 5}


def held(table: dict[str, object]):
    found = read_sums({"sums": table})
    assert found is not None
    return found


def value(sums: object, metric: str) -> float:
    function = statistic(sums, metric)  # type: ignore[arg-type]
    assert function is not None
    return value_of(sums, function)  # type: ignore[arg-type]


def recordings(count: int = 60):
    pairs = drawn(count)
    return pairs, held(fed(TranscriptMeter(LETTERS), pairs).details()["sums"])


def test_error_rates_of_sums_are_jiwers() -> None:
    pairs, sums = recordings()
    truths, found = map(list, zip(*pairs, strict=True))
    assert value(sums, "wer") == pytest.approx(jiwer.wer(truths, found))
    assert value(sums, "cer") == pytest.approx(jiwer.cer(truths, found))
    assert (sums.unit, sums.rows) == ("recordings", 60)


def test_the_interval_of_a_word_error_rate_is_that_of_recordings_drawn_again() -> None:
    pairs, sums = recordings()
    truths, found = (np.array(texts, dtype=object) for texts in zip(*pairs, strict=True))
    known = stats.bootstrap(
        (np.arange(60),),
        lambda places: jiwer.wer(truths[places].tolist(), found[places].tolist()),
        vectorized=False,
        method="percentile",
        n_resamples=400,
        confidence_level=expanded(0.95, 60),
        rng=np.random.default_rng(0),
    ).confidence_interval
    interval = interval_of_sums(sums, "wer", value(sums, "wer"))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(tuple(known), abs=0.15 * (known.high - known.low))


def test_bleu_of_sums_is_sacrebleus_and_so_is_its_interval() -> None:
    source = random.Random(0)
    words = ["a", "the", "man", "dog", "rides", "runs", "big", "small", "red", "and", "fast", "bike"]
    truth = [" ".join(source.choices(words, k=source.randint(5, 12))) for _ in range(80)]
    said = [" ".join(w if source.random() < 0.8 else source.choice(words) for w in text.split()) for text in truth]
    counts = np.stack([Bleu().statistics(*pair) for pair in zip(said, truth, strict=True)])
    columns = {"predicted": counts[:, 0], "reference": counts[:, 1], "agree": counts[:, 2:6], "total": counts[:, 6:]}
    table = {"unit": "sentences", "rows": 80, "index": None, "columns": {n: c.tolist() for n, c in columns.items()}}
    sums = held(table)
    whole = sacrebleu.corpus_bleu(said, [truth])
    assert value(sums, "bleu") == pytest.approx(whole.score)
    metric = sacrebleu.BLEU()
    seeded = metric.corpus_score(said, [truth], n_bootstrap=1000)  # its half-width is of percentiles too
    interval = interval_of_sums(sums, "bleu", whole.score)
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * seeded._ci, rel=0.12)


@pytest.mark.parametrize("said", [["a b"], ["x y z"], ["a b c x y"], ["a b c d e f"]])
def test_bleu_of_hardly_anything_is_sacrebleus(said: list[str]) -> None:
    truth = ["a b c d e"]
    counts = Bleu().statistics(said[0], truth[0])
    columns = {"predicted": counts[:1], "reference": counts[1:2], "agree": counts[None, 2:6], "total": counts[None, 6:]}
    sums = held({"unit": "", "rows": 1, "index": None, "columns": {n: c.tolist() for n, c in columns.items()}})
    assert value(sums, "bleu") == pytest.approx(sacrebleu.corpus_bleu(said, [truth]).score)


def test_overlaps_of_sums_are_the_meters_and_are_resampled_by_image() -> None:
    fields = rows(30)
    meter = judged(fields, batches=4)
    sums, scores = held(meter.details()["sums"]), meter.compute()
    for metric in ("dice", "miou", "pixel_accuracy"):
        assert value(sums, metric) == pytest.approx(scores[metric]), metric

    def miou(places: np.ndarray) -> float:
        part = {name: field[torch.from_numpy(places)] for name, field in fields.items()}
        return judged(part, NAMES).compute()["miou"]

    generator = np.random.default_rng(0)
    drawn_again = [miou(generator.integers(0, 30, 30)) for _ in range(80)]
    interval = interval_of_sums(sums, "miou", scores["miou"])
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(4 * np.std(drawn_again), rel=0.3)


def test_errors_of_forecasts_are_the_meters() -> None:
    spec = TargetSpec(kind="series", names=("y",), mean=(5.0,), std=(9.0,), shape=(6, 1), season=3, scales=(7.0,))
    number = torch.arange(40) % 7
    own = {name: torch.tensor(each)[number, None, None] for name, each in SCALES.items()}
    meter = forecast({**forecasts(spec), **own, "series": number}, spec)
    scores, sums = meter.compute(), held(meter.details()["sums"])
    assert (sums.unit, len(sums)) == ("series", 7)
    for metric in ("mse", "mae", "mase", "raw_mae", "raw_rmse"):
        assert value(sums, metric) == pytest.approx(scores[metric], rel=1e-4), metric
    rule = statistic(sums, "raw_mae", "baseline_")
    assert rule is not None
    assert value_of(sums, rule) == pytest.approx(meter.scores_of(1)["raw_mae"], rel=1e-4)


def of_errors(ours: np.ndarray, theirs: np.ndarray):
    columns = {"raw_absolute": ours, "baseline_raw_absolute": theirs, "count": np.ones(len(ours))}
    table = {"unit": "series", "rows": len(ours), "index": None, "columns": {n: c.tolist() for n, c in columns.items()}}
    return held(table)


def test_beside_the_baseline_what_makes_a_series_hard_for_both_falls_out() -> None:
    hard = np.random.default_rng(0).exponential(10, 40)
    sums = of_errors(0.9 * hard, hard)
    own = interval_of_sums(sums, "raw_mae", 0.9 * hard.mean())
    beside = beside_the_baseline(sums, "raw_mae", -0.1 * hard.mean())
    assert own is not None
    assert own.holds(hard.mean())
    assert beside is not None
    assert beside.high < 0
    known = stats.bootstrap(
        (-0.1 * hard,), np.mean, method="percentile", confidence_level=expanded(0.95, 40), rng=np.random.default_rng(1)
    ).confidence_interval
    assert (beside.low, beside.high) == pytest.approx(tuple(known), abs=0.1 * (known.high - known.low))
    assert beside_the_baseline(sums, "raw_rmse", 0.0) is None


def test_runs_on_the_same_rows_are_paired() -> None:
    hard = np.random.default_rng(0).exponential(10, 40)
    first, second = of_errors(hard, hard), of_errors(1.1 * hard, hard)
    assert same_sums([first, second])
    found = paired_sums([first], [second], "raw_mae", level=0.95)
    assert found is not None
    assert found.high < 0
    assert paired_sums([first], [second], "bleu", level=0.95) is None
    assert not same_sums([first, of_errors(hard[:39], hard[:39])])


def test_all_or_nothing_is_a_share_and_few_or_equal_rows_tell_nothing() -> None:
    table = {
        "unit": "questions",
        "rows": 8,
        "index": None,
        "columns": {"exact_match": [1.0] * 6 + [0.0] * 2, "f1": [1.0] * 8},
    }
    sums = held(table)
    assert interval_of_sums(sums, "exact_match", 0.75) == wilson(6, 8)
    assert interval_of_sums(sums, "f1", 1.0) is None
    few = of_errors(np.arange(4.0), np.arange(4.0))
    assert interval_of_sums(few, "raw_mae", 1.5) is None
    assert len(joined_sums([few, few])) == 8
    assert read_sums({"sums": {"unit": "x", "rows": 0, "index": None, "columns": {}}}) is None
    assert read_sums({}) is None
