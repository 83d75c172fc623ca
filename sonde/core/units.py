"""Numbers formatted for people: 60,000; 97.20 %; 41 s; 1 m 12 s; 47 MB. Used on the terminal, in reports and in facts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = "–"

# parts of a run's wall time: key in `result.json` -> words
TIME_PARTS = {
    "startup": "startup",
    "data": "reading data",
    "plan": "planning",
    "environment": "environment",
    "policy": "policy",
    "self_play": "self-play",
    "input": "input",
    "step": "forward + backward",
    "optimizer": "optimiser",
    "evaluation": "evaluation",
    "checkpoint": "checkpoints",
    "other": "other",
}


def counted(number: int, one: str, several: str) -> str:
    """A number of things with what is said of them.

    >>> counted(1, "row holds", "rows hold"), counted(1200, "row holds", "rows hold")
    ('1 row holds', '1,200 rows hold')
    """
    return f"{number:,} {one if number == 1 else several}"


def count(value: float) -> str:
    """A whole number with thousands separated.

    >>> count(60000)
    '60,000'
    """
    return f"{value:,.0f}"


def share(value: float | None, digits: int = 2) -> str:
    """A fraction of one as a percentage.

    >>> share(0.9936), share(0.5, 0)
    ('99.36 %', '50 %')
    """
    return ABSENT if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, significant: int = 3) -> str:
    """A measured value with that many significant digits, never fewer than its whole part has.

    >>> number(0.31249), number(0.004), number(12345.6), number(1.5e-6), number(-0.0), number(4196.2, 4), number(123, 2)
    ('0.312', '0.00400', '12,346', '1.50e-06', '0', '4,196', '123')
    """
    if value is None:
        return ABSENT
    if not math.isfinite(value) or value == 0:
        return f"{value + 0.0:g}"  # and no "-0"
    if abs(value) >= min(10**significant, max(1000, 10 ** (significant - 1))):
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.{significant - 1}e}"
    return f"{value:#.{significant}g}".rstrip(".")


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that matter.

    >>> [duration(s) for s in (0.04, 5.25, 41.2, 72, 3725, 200000)]
    ['0.04 s', '5.2 s', '41 s', '1 m 12 s', '1 h 2 m', '2 d 7 h']
    """
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    if seconds < 59.5:
        return f"{seconds:.2f} s" if seconds < 0.1 else f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole // 60 % 60} m"
    return f"{whole // 86400} d {whole // 3600 % 24} h"


def size(value: float) -> str:
    """Bytes in decimal units.

    >>> size(47_040_000), size(1_300_000_000), size(512)
    ('47 MB', '1.3 GB', '512 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def is_share(metric: str) -> bool:
    """Whether a metric is customarily read as a percentage.

    >>> is_share("balanced_accuracy"), is_share("log_loss")
    (True, False)
    """
    name = metric.rsplit("/", 1)[-1]
    return "accuracy" in name or name.startswith("top") or name in ("wer", "cer", "near")


OF_ONE = frozenset(
    [
        "auroc", "average_precision", "dice", "exact_match", "f1", "lddt", "macro_f1", "map", "map50", "map75", "miou",
        "precision", "recall", "recovery",
    ]
)  # fmt: skip
"""Metrics between 0 and 1, of which next to nothing is nothing."""


def metric(name: str, value: float | None) -> str:
    """A metric's value as it is customarily read.

    >>> metric("accuracy", 0.9936), metric("rmse", 4.1289), metric("log_loss", 0.0213)
    ('99.36 %', '4.129', '0.0213')
    >>> metric("map", 3.499e-05), metric("mse", 3.499e-05)
    ('<0.0001', '3.499e-05')
    """
    if is_share(name):
        return share(value)
    if value is not None and 0 < value < 1e-4 and name.partition("/")[0] in OF_ONE:
        return "<0.0001"
    return f"{value:.4f}" if value is not None and 1e-3 <= abs(value) < 1 else number(value, 4)


def metric_name(name: str) -> str:
    """A metric's name in words.

    >>> metric_name("log_loss"), metric_name("auroc"), metric_name("top5_accuracy")
    ('log loss', 'AUROC', 'top-5 accuracy')
    >>> metric_name("coverage_80")
    'coverage of the 80 % interval'
    """
    known = {"auroc": "AUROC", "mae": "MAE", "rmse": "RMSE", "mse": "MSE", "r2": "R²", "ece": "calibration error"}
    known |= {"iou": "IoU", "miou": "mean IoU", "knn": "kNN", "lddt": "lDDT", "rmsd": "RMSD", "bleu": "BLEU"}
    known |= {"wer": "word error rate", "cer": "character error rate", "near": "within 60°"}
    known |= {"mase": "MASE", "smape": "sMAPE", "pearson": "Pearson correlation", "spearman": "Spearman correlation"}
    known |= {"psnr": "PSNR", "ssim": "SSIM", "elbo": "ELBO", "kl": "KL divergence", "crps": "CRPS"}
    known |= {"frechet": "Fréchet", "bootstrapped": "bootstrapped discounted"}
    known |= {"l": "at L", "map": "mAP", "map50": "mAP@50", "map75": "mAP@75"}
    head, slash, rest = name.partition("/")
    if head.startswith("coverage_") and head[len("coverage_") :].replace(".", "").isdigit():
        return f"coverage of the {head[len('coverage_') :]} % interval{slash}{rest}"
    words = [known.get(word, word) for word in head.split("_")]
    words = [f"top-{w[3:]}" if w.startswith("top") and w[3:].isdigit() else "F1" if w == "f1" else w for w in words]
    return " ".join(words) + slash + rest


def actions_in_words(decided: str | None) -> str:
    """Which actions an evaluation in an environment was of, by "actions" of result.json; "" where that is not known.

    >>> actions_in_words("sampled"), actions_in_words("likeliest"), actions_in_words(None)
    ('sampled actions', 'the likeliest actions', '')
    """
    return {"sampled": "sampled actions", "likeliest": "the likeliest actions"}.get(decided or "", "")


def mean_of_batches(name: str, means: Sequence[str]) -> str:
    """What to add to a metric that is a mean over batches though its value on a set is none. means: those that are

    >>> mean_of_batches("auroc", ["auroc"]), mean_of_batches("mae", ["auroc"])
    (' (mean of batches)', '')
    """
    return " (mean of batches)" if name in means else ""


def rate(value: float | None) -> str:
    """Things per second: whole above ten.

    >>> rate(4060.4), rate(3.14159)
    ('4,060', '3.14')
    """
    return number(value, 3) if value is None or value < 100 else count(value)


def ordinal(number: int) -> str:
    """A number as a place in a row.

    >>> [ordinal(n) for n in (1, 2, 3, 11, 50, 1_022)]
    ['1st', '2nd', '3rd', '11th', '50th', '1,022nd']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def best_place(result: Mapping[str, Any]) -> str:
    """Where in a run its best checkpoint was written, of a `result.json` with "best": after how many epochs, of data that never
    come to an end after how many steps.

    >>> best_place({"epochs": 8, "steps": 80, "best": {"epoch": 5, "step": 60}})
    'epoch 6'
    >>> best_place({"epochs": 2.15, "steps": 215, "best": {"epoch": 2, "step": 215}})  # its third epoch had only begun
    'epoch 2.1'
    >>> best_place({"epochs": None, "steps": 1200, "best": {"epoch": 0, "step": 1200}})
    'step 1,200'
    """
    best, epochs, steps = result["best"], result.get("epochs", 1), result.get("steps")
    if epochs is None:
        return f"step {count(best['step'])}"
    whole = best["epoch"] + 1
    done = best["step"] * epochs / steps if steps and best.get("step") else whole
    if not best["epoch"] < done < whole - 0.01:  # at its end, or of a run whose epochs had several lengths
        return f"epoch {whole}"
    return f"epoch {done:.1f}" if done >= 1 else f"epoch {done:.2g}"
