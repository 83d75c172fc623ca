"""One table of what was measured, from benchmarks/results/*.json, written between two marks in README.md.

python -m benchmarks.summary [--check]: prints the table and puts it into README.md; with --check only says whether README.md
holds it. Each row names the script that measured it, how many runs stand behind it and when.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- measured: python -m benchmarks.summary -->", "<!-- end of measured -->"

Row = tuple[str, str, str, str]  # what, Sonde, beside it, runs


def mnist(found: dict[str, Any]) -> Iterator[Row]:
    """Whole processes, start to exit; the textbook script trains the introductory network."""
    rows = found["summary"]
    peer = f"textbook script {_share(rows['textbook']['accuracy'])}, {_plain(rows['textbook']['seconds'])} s"
    names = {"introductory": "MNIST, introductory network, 5 epochs", "default": "MNIST, default recipe"}
    for name, what in names.items():
        ours = rows[name]
        text = f"{_share(ours['accuracy'])} test accuracy, {_plain(ours['seconds'])} s"
        ratio = rows[f"textbook time / {name} time"]["mean"]
        yield what, text, f"{peer}: {ratio:.2f} times as long", str(ours["seconds"]["n"])


def cifar10(found: dict[str, Any]) -> Iterator[Row]:
    """Test accuracy after the same wall time."""
    table = found["table"]
    ours, peers = table["sonde"], [f"{name} {row['accuracy']:.2%}" for name, row in table.items() if name != "sonde"]
    beside = f"default recipes: {', '.join(peers)}" if peers else "none in this run"
    yield f"CIFAR-10, {found['minutes']:g} minutes", f"{ours['accuracy']:.2%} test accuracy", beside, "1"


def overhead(found: dict[str, Any]) -> Iterator[Row]:
    """Microseconds a step over the bare loop of the same process."""
    table = found["table"]
    peers = ", ".join(f"{name} {row['over bare']:.0f}" for name, row in table.items() if name != "sonde")
    ours = f"{table['sonde']['over bare']:.0f} µs a step"
    yield "loop over a bare loop, logging on", ours, f"{peers} µs" if peers else "none in this run", "median"


def tables(found: dict[str, Any]) -> Iterator[Row]:
    """Mean and standard deviation over splits, beside scikit-learn's HistGradientBoosting as it comes."""
    for name, rows in found["tables"].items():
        metric = next(iter(rows["sonde"]))
        ours, peer = rows["sonde"][metric], rows["boosting"][metric]
        said = f"{metric.upper() if metric == 'rmse' else metric} {_spread(ours)}"
        yield f"table {name}", said, f"gradient boosting {_spread(peer)}", str(found["seeds"])


def kill(found: dict[str, Any]) -> Iterator[Row]:
    """Real SIGKILLs at random moments."""
    total = found["total"]
    ours = f"{total['differences']} differences, {total['unreadable']} unreadable checkpoints"
    yield f"{total['kills']} SIGKILLs, resumed", ours, "the same run undisturbed", str(total["runs"])


def memory(found: dict[str, Any]) -> Iterator[Row]:
    """Peak resident memory of a whole training process."""
    for name, row in found["table"].items():
        least = row["torch imported, MiB"] + row["packed, MiB"]
        yield (
            f"peak memory, {name}",
            f"{row['peak, MiB']:,.0f} MiB",
            f"torch and the packed pixels {least:,.0f} MiB",
            "1",
        )


def parity(found: dict[str, Any]) -> Iterator[Row]:
    """Largest difference of logits, as a share of the largest logit."""
    names = [row["model"] for row in found["rows"]]
    libraries = " and ".join(name for name in found["versions"] if name != "torch")
    largest = max(row["difference"] for row in found["rows"])
    what = f"logits of {names[0]} … {names[-1]}"
    yield (
        what,
        f"largest difference {largest:.0e}" if largest else "no difference at all",
        f"{libraries}, float64, same weights",
        f"{len(names)} networks",
    )


def streaming(found: dict[str, Any]) -> Iterator[Row]:
    """Mixed JPEG files that take three times the memory that is allowed."""
    rows = found["rows_per_s"]
    for workers in ("0", "1", "2"):
        ours, peer = rows[f"streaming, {workers} workers"], rows[f"DataLoader, {workers} workers"]
        said = f"{_spread(ours)} images/s"
        yield f"streaming JPEGs, {workers} workers", said, f"torch DataLoader {_spread(peer)}", str(ours["n"])


def segmentation(found: dict[str, Any]) -> Iterator[Row]:
    """Test scores within a time limit."""
    ours = found["table"]["sonde"]
    said = f"Dice {ours['dice']:.3f}, object F1 {ours['object_f1']:.3f}"
    yield f"nuclei (dsb2018), {found['minutes']:g} minutes", said, "none in this run", "1"


def detection(found: dict[str, Any]) -> Iterator[Row]:
    """Test scores within a time limit."""
    ours = found["table"]["sonde"]
    said = f"mAP@0.5 {ours['map50']:.3f}, mAP {ours['map']:.3f}"
    yield f"blood cells (bccd), {found['minutes']:g} minutes", said, "none in this run", "1"


def depth(found: dict[str, Any]) -> Iterator[Row]:
    """Errors at the end of training, of the residual networks beside their plain twins."""
    for layers in ("20", "56"):
        said = [
            f"training error {_spread(row['training error'])}, test {_spread(row['test error'])}"
            for row in (found["table"][f"{kind}{layers}"] for kind in ("resnet", "plain"))
        ]
        yield f"{layers} layers, small CIFAR-10: residual", said[0], f"plain: {said[1]}", str(found["seeds"])


def few_labels(found: dict[str, Any]) -> Iterator[Row]:
    """Test accuracies with a share of the labels, beside the same network from scratch."""
    for fraction, ways in found["table"].items():
        said = {way: f"{way} {_spread(accuracy)}" for way, accuracy in ways.items()}
        ours = [text for way, text in said.items() if "scratch" not in way]
        peer = [text for way, text in said.items() if "scratch" in way]
        what = f"CIFAR-10, {float(fraction):.0%} of the labels, {found['minutes']:g} minutes of {found['task']}"
        yield what, ", ".join(ours), ", ".join(peer), f"{found['draws']} draws"


def throughput(found: dict[str, Any]) -> Iterator[Row]:
    """Images per second, beside the same network in a bare loop, in the faster of two memory layouts."""
    cells: dict[tuple[str, int, str], dict[str, dict[str, Any]]] = {}
    for row in found["rows"]:
        cells.setdefault((row["network"], row["pixels"], row["precision"]), {})[row["mode"]] = row
    for (network, pixels, precision), modes in cells.items():
        ours = [f"{mode} {row['sonde, images/s']:,.0f}" for mode, row in modes.items()]
        peer = [f"{row[row['faster bare loop'] + ', images/s']:,.0f}" for row in modes.values()]
        times = [f"{row['sonde time over it']:.2f}" for row in modes.values()]
        beside = f"timm in a bare loop {' and '.join(peer)}; Sonde takes {' and '.join(times)} times as long"
        yield f"{network}, {pixels} px, {precision}", f"{', '.join(ours)} images/s", beside, str(found["rounds"])


RENDERERS: dict[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "mnist": mnist,
    "cifar10": cifar10,
    "depth": depth,
    "few_labels": few_labels,
    "segmentation": segmentation,
    "detection": detection,
    "overhead": overhead,
    "throughput": throughput,
    "tables": tables,
    "kill": kill,
    "memory": memory,
    "streaming": streaming,
    "parity": parity,
}


def table() -> str:
    """The markdown table of every result there is."""
    lines = ["| measured | Sonde | beside it | runs | script |", "|---|---|---|---|---|"]
    for name, render in RENDERERS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            rows = render(json.loads(path.read_text(encoding="utf-8")))
            lines += [f"| {' | '.join(row)} | `benchmarks.{name}` |" for row in rows]
    return "\n".join(lines)


def filled(readme: str) -> str:
    """The text with the table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _share(value: dict[str, float]) -> str:
    return f"{value['mean']:.2%}"


def _plain(value: dict[str, float]) -> str:
    return f"{value['mean']:.1f}"


def _spread(value: dict[str, float]) -> str:
    """Mean ± standard deviation, with the digits that the deviation leaves meaningful."""
    deviation = value.get("sd", value.get("std", 0.0))
    digits = 0 if value["mean"] >= 100 else 4 if value["mean"] < 1 else 2
    return f"{value['mean']:,.{digits}f} ± {deviation:,.{digits}f}"


def renew() -> None:
    """Put the table of today's results into README.md."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        now = README.read_text(encoding="utf-8")
        late = "README.md is older than benchmarks/results: python -m benchmarks.summary"
        raise SystemExit(0 if filled(now) == now else late)
    print(table())
    renew()


if __name__ == "__main__":
    main()
