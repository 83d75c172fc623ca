"""One table of what was measured, from benchmarks/results/*.json, written between two marks in docs/results.md.

python -m benchmarks.summary [--check]: prints the table and puts it into docs/results.md; with --check only says whether it is
there. Each row names the script that measured it, how many runs stand behind it and when.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import summary_acting, summary_generating

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
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
    what = f"CIFAR-10, {found['minutes']:g} minutes" + f", {found['cores of each']} core" * ("cores of each" in found)
    yield what, f"{ours['accuracy']:.2%} test accuracy", beside, "1"


def overhead(found: dict[str, Any]) -> Iterator[Row]:
    """Microseconds a step over the bare loop of the same process."""
    table = found["table"]
    peers = ", ".join(f"{name} {row['over bare']:.0f}" for name, row in table.items() if name != "sonde")
    ours = f"{table['sonde']['over bare']:.0f} µs a step"
    yield "loop over a bare loop, logging on", ours, f"{peers} µs" if peers else "none in this run", "median"


def own_code(found: dict[str, Any]) -> Iterator[Row]:
    names = {
        "plain": "a plain module",
        "gan": "a GAN",
        "physics": "a physics-informed network",
        "distillation": "distillation",
    }
    for job, row in found["table"].items():
        ours, theirs = row["sonde"], row["lightning"]
        yield (
            f"own code: {names[job]}",
            f"{ours['lines']} line{'s' * (ours['lines'] > 1)}, {ours['over bare']:.0f} µs a step over a bare loop",
            f"Lightning: {theirs['lines']} lines, {theirs['over bare']:.0f} µs",
            str(len(ours["over bare, each round"])),
        )


def bad_runs(found: dict[str, Any]) -> Iterator[Row]:
    """Runs with a fault, and how many of them are named by what is said first."""
    runs = found["runs"]
    right = sum(run["right"] for run in runs)
    yield "bad runs of the kinds that people have", f"{right} of {len(runs)} named first", "none in this run", "1"


def doctor(found: dict[str, Any]) -> Iterator[Row]:
    """On the families that thresholds were not chosen by, beside those that they were; healthy runs; others' rules."""
    first, again = found["judged"], found["judged, once what it had shown was mended"]
    unseen, fitted = found["unseen"], found["fitted"]
    groups = {
        "mended by what it showed": again,
        "three families made later": unseen,
        "families of the thresholds": fitted,
    }
    beside = "; ".join(f"{name}: {each['true cause first']:.1%}" for name, each in groups.items())
    runs = str(sum(each["runs"] for each in (first, *groups.values())))
    yield "faults whose true cause is named first, judged families", f"{first['true cause first']:.1%}", beside, runs
    yield (
        "certain faults named after step 3",
        first["certain ones named after step 3"],
        "none in this run",
        str(first["runs"]),
    )
    alarms = {"judged families at first": first, **groups}
    told = [f"{name}: {_of(each['false alarms'])}" for name, each in alarms.items()]
    told.append(f"unusual ones: {_of(found['unusual but well'])}")
    rules = {name: text for name, text in found["others' rules"].items() if name != "ours"}
    loudest = max(rules.items(), key=lambda item: int(item[1].split(" of ")[0]))
    yield "healthy runs with a warning", "; ".join(told), f"{loudest[0]}: {loudest[1]}", runs


def _of(alarms: dict[str, Any]) -> str:
    return f"{alarms['with a warning']} of {alarms['runs']}"


def doctor_cost(found: dict[str, Any]) -> Iterator[Row]:
    """Of the fastest runs of seconds, and of the first half second."""
    table = found["table"].values()
    long, short = ([each[kind]["processor_least_more_percent"] for each in table] for kind in ("long", "short"))
    shown = [f"{min(values):.1f} to {max(values):.1f} %" for values in (long, short)]
    yield "what the doctor costs, 5 workloads", shown[0], f"runs below a second: {shown[1]}", str(found["rounds"])


def watch_cost(found: dict[str, Any]) -> Iterator[Row]:
    """By how much a run is longer where somebody watches it: from another machine, and in a browser on its own cores."""
    ways = list(
        dict.fromkeys(way for each in found["table"].values() for way, told in each.items() if isinstance(told, dict))
    )
    for way in ways:
        shares = [each[way]["more_percent"] for each in found["table"].values()]
        cores = max(each[way]["server_percent"] + each[way]["browser_percent"] for each in found["table"].values())
        yield (
            f"what watching costs a training, {len(shares)} workloads: {way}",
            f"{min(shares):.1f} to {max(shares):.1f} %",
            f"server and browser use {cores:.1f} % of a core",
            str(found["rounds"]),
        )


def doctor_recipes(found: dict[str, Any]) -> Iterator[Row]:
    """Default recipes on real data, and how many of their runs have a warning for nothing."""
    runs = found["runs"]
    wolf = sum(any(each["kind"] == "alarm" for each in run["findings"]) or bool(run["refused"]) for run in runs)
    data = len({run["run"] for run in runs})
    yield (
        f"false warnings on default recipes, {data} sets of data",
        f"{wolf} of {len(runs)} runs, {found['seconds']:g} s each",
        "none in this run",
        str(len(runs)),
    )


def tables(found: dict[str, Any]) -> Iterator[Row]:
    """Mean and standard deviation over splits, beside scikit-learn's HistGradientBoosting as it comes."""
    for name, rows in found["tables"].items():
        metric = next(iter(rows["sonde"]))
        ours, peer = rows["sonde"][metric], rows["boosting"][metric]
        said = f"{metric.upper() if metric == 'rmse' else metric} {_spread(ours)}"
        yield f"table {name}", said, f"gradient boosting {_spread(peer)}", str(found["seeds"])


def time_limit(found: dict[str, Any]) -> Iterator[Row]:
    for name, row in found["table"].items():
        allowed = row["asked_s"] + max(found["allowed"]["seconds"], found["allowed"]["share"] * row["asked_s"])
        what = f"{name}, `--time-limit {row['asked_s']:g}s`, launch to exit"
        yield (
            what,
            f"{row['median_s']:.1f} s, the longest {max(row['wall_s']):.1f}",
            f"at most {allowed:g} s",
            str(len(row["wall_s"])),
        )


def optimizers(found: dict[str, Any]) -> Iterator[Row]:
    """The best of each network, and what stays behind it by more than the rule allows; a star where its run says so itself."""
    for model, column in found["columns"].items():
        rows, best = column["optimizers"], column["best"]
        behind = [f"{name} {rows[name]['score']:.4g}{'*' * rows[name]['warned']}" for name in column["missed by"]]
        missed = ", ".join(behind) or "none"
        within = f"{len(rows) - len(column['missed by'])} of {len(rows)} near the best"
        said = f"{within}: {best} {rows[best]['score']:.4g} {column['score']}"
        yield f"optimisers by name alone, {model} on {column['data']}", said, f"behind: {missed}", str(column["seeds"])


def kill(found: dict[str, Any]) -> Iterator[Row]:
    """Real SIGKILLs at random moments."""
    total = found["total"]
    ours = f"{total['differences']} differences, {total['unreadable']} unreadable checkpoints"
    yield f"{total['kills']} SIGKILLs, resumed", ours, "the same run undisturbed", str(total["runs"])


def unchanged(found: dict[str, Any]) -> Iterator[Row]:
    """The same training at two revisions."""
    rows = found["table"].values()
    compared = sum(row["losses"] + row["metrics"] for row in rows)
    ours = f"{sum(row['equal'] for row in rows)} of {len(rows)} equal to the last bit, weights too"
    what = f"{compared:,} losses and metrics of {len(rows)} configurations"
    yield what, ours, f"the same at revision {found['before']}", "1"


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
        f"largest difference {largest:.0e}" if largest else "no difference",
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


def forecasting(found: dict[str, Any]) -> Iterator[Row]:
    """Test errors in deviations of the training part; checkpoints chosen by validation."""
    for name, row in {**found["table"], **found["short"]}.items():
        what = name if name in found["short"] else f"ETTh1, {found['horizon']} hours ahead, {name}"
        season, last = row["last season"], row["last value"]["mse"]
        beside = f"last {season['steps']} steps repeated {season['mse']:.3f}, last value {last:.3f}"
        yield what, f"MSE {row['mse']:.3f}, MAE {row['mae']:.3f}", beside, "1"


def detection(found: dict[str, Any]) -> Iterator[Row]:
    """Test scores within a time limit."""
    ours = found["table"]["sonde"]
    said = f"mAP@0.5 {ours['map50']:.3f}, mAP {ours['map']:.3f}"
    yield f"blood cells (bccd), {found['minutes']:g} minutes", said, "none in this run", "1"


def translation(found: dict[str, Any]) -> Iterator[Row]:
    """BLEU of the test split, cased and detokenised."""
    scores = [run["bleu"] for run in found["runs"]]
    minutes = max(run["seconds"]["total"] for run in found["runs"]) / 60
    said = f"{sum(scores) / len(scores):.1f} BLEU in {minutes:.0f} minutes"
    copied = found["runs"][0]["copied_bleu"]
    yield "Multi30k, English to German", said, f"source copied unchanged: {copied:.1f}", str(len(scores))


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


def autoencoders(found: dict[str, Any]) -> Iterator[Row]:
    """Those parts that were measured."""
    if vae := found.get("vae"):
        what = f"dynamically binarised MNIST, VAE, {vae['minutes']:g} minutes: bound of {vae['samples']} samples"
        yield what, f"{vae['bound']:.2f} ± {vae['standard_error']:.2f} nats", "published VAEs: 86 to 88", "1"
    if books := found.get("vq-vae"):
        said = {
            name: f"{name}: SSIM {each['ssim']:.3f}, PSNR {each['psnr']:.2f} dB, {each['codebook_use']:.1%} of 512 codes"
            for name, each in books.items()
            if isinstance(each, dict)
        }
        peer = said.pop("vector-quantize-pytorch", "")
        yield f"CIFAR-10, VQ-VAE, {books['minutes']:g} minutes", "; ".join(said.values()), peer, "1"
    digits = found.get("digits") or {}
    for what, scores in digits.items():
        if isinstance(scores, dict):
            peers = ", ".join(f"{name} {each['mean']:.3f}" for name, each in scores.items() if name != "sonde")
            yield f"MNIST, {what}: mean AUROC", _spread(scores["sonde"]), peers, "10 digits"
    for name, scores in (found.get("series") or {}).items():
        if isinstance(scores, dict):
            peers = ", ".join(f"{one} {scores[one]:.3f}" for one in ("PCA", "isolation forest", "one-class SVM"))
            yield (
                f"{name}, planted anomalies: AUROC",
                f"{scores['sonde']:.3f}",
                peers,
                f"{scores['windows']} windows" if "windows" in scores else "-",
            )
    for numbers, scores in (found.get("codes") or {}).items():
        if isinstance(scores, dict):
            ours = f"error {scores['mse']:.3f} ({scores['ratio']:.2f} of PCA's), kNN {scores['knn']:.1%}"
            peer = f"PCA: error {scores['mse_of_pca']:.3f}, kNN {scores['knn_of_pca']:.1%}"
            yield f"MNIST in {numbers}", ours, peer, "1"


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


def language(found: dict[str, Any]) -> Iterator[Row]:
    """Nats a character on the last tenth of Shakespeare, whole processes."""
    peer, half, whole = found["nanogpt"], found["half"], found["minutes"]
    beside = f"nanoGPT's CPU recipe {peer['loss']:.3f} in {peer['seconds']:.0f} s"
    yield (
        "Shakespeare by characters, half of nanoGPT's time",
        f"{half['loss']:.3f} in {half['seconds']:.0f} s",
        beside,
        "1",
    )
    what = f"Shakespeare by characters, {whole['minutes']:g} minutes"
    yield what, f"{whole['loss']:.3f} nats a character", "none in this run", "1"


def language_speed(found: dict[str, Any]) -> Iterator[Row]:
    """Tokens a second beside nanoGPT's of the same size in the same process, and generation with and without memory."""
    for size, rates in found["training"].items():
        for precision in ("fp32", "bf16"):
            ours, peer = f"{rates[f'sonde {precision}']:,}", f"{rates[f'nanogpt {precision}']:,}"
            yield f"GPT {size}, {precision}, training", f"{ours} tokens/s", f"nanoGPT {peer}", "median"
    made = found["generation"]
    beside = f"without key-value cache {made['without']:g}, nanoGPT {made['nanogpt']:g}"
    yield "256 characters generated", f"{made['with memory']:g} tokens/s", beside, "median"


def sequence_speed(found: dict[str, Any]) -> Iterator[Row]:
    """Tokens a second of training, beside a bare loop in the same process and Keras in its own."""
    table = dict(found["table"])
    ours = table.pop("sonde")
    peers = [f"{name} {row['keras']:,} (bare loop there {row['bare']:,})" for name, row in table.items()]
    for precision in ("fp32", "bf16"):
        beside = [f"bare torch loop {ours[f'bare, {precision}']:,}", *(peers if precision == "fp32" else [])]
        what = f"LSTM language model, 2 x 256, {precision}, {found['threads']} threads"
        yield what, f"{ours[f'sonde, {precision}']:,} tokens/s", ", ".join(beside), f"{found['rounds']} rounds"


def gradients(found: dict[str, Any]) -> Iterator[Row]:
    """Errors of networks that learn to add two marked numbers, with and without clipping."""
    rows = found["table"]["squared error"]
    said = {name: f"{name} {row['mean of the last 50']:.2g}" for name, row in rows.items()}
    lost = rows["Elman, as it is"]
    beside = f"Elman unclipped: lost at update {lost['updates']}"
    yield "squared error of adding 2 of 20 numbers", f"{said['LSTM, clipped']}, {said['Elman, clipped']}", beside, "1"


def genes(found: dict[str, Any]) -> Iterator[Row]:
    """Letters of DNA: rows held out, or ten folds."""
    for name, row in found["sets"].items():
        beside = f"logistic regression {_spread(row['logistic regression'])}"
        yield f"{name}, DNA", f"accuracy {_spread(row['accuracy'])}", beside, str(found["seeds"])


def text_classification(found: dict[str, Any]) -> Iterator[Row]:
    """Test accuracies of networks that know nothing but the training sentences."""
    base = found["baseline"]["accuracy"]
    for name, row in found["networks"].items():
        said = f"accuracy {_spread(row['accuracy'])} in {_plain(row['seconds'])} s"
        beside = f"tf-idf + logistic regression {base:.4f}: {100 * row['gap to baseline']:+.2f} points"
        yield f"sst2, {name}", said, beside, str(found["seeds"])


def text_pairs(found: dict[str, Any]) -> Iterator[Row]:
    """Test scores of the network for pairs, which knows nothing but the training pairs."""
    for target, what in (
        ("entailment_judgment", "entailment: accuracy"),
        ("relatedness_score", "relatedness: Pearson's r"),
    ):
        row = found[target]
        scored = f"{_spread(row['test'])} in {_plain(row['seconds'])} s"
        yield f"SICK, {what}", scored, f"shared words + gradient boosting {row['baseline']:.4f}", str(found["seeds"])


def questions(found: dict[str, Any]) -> Iterator[Row]:
    """Exact match and F1 as SQuAD's official script counts them."""
    heart, held = found["by heart"], found["held back"]
    overlap = held["lexical overlap"]
    said = f"exact match {_spread(held['exact_match'])}, F1 {_spread(held['f1'])}"
    beside = f"lexical overlap {overlap['exact_match']:.4f}, {overlap['f1']:.4f}"
    yield "xquad_en, articles held out", said, beside, str(held["f1"]["n"])
    said = f"exact match {heart['exact_match']:.4f}, F1 {heart['f1']:.4f}"
    yield "xquad_en, training questions", said, "none in this run", "1"


def speech(found: dict[str, Any]) -> Iterator[Row]:
    """Digits of the split that is held out, within a time limit."""
    for what, row in found["table"].items():
        said = f"{row['accuracy']:.2%} right" + (f", word error rate {row['wer']:.2%}" if "wer" in row else "")
        yield f"spoken digits (fsdd) as {what}, {found['minutes']:g} minutes", said, "none in this run", "1"


def molecules(found: dict[str, Any]) -> Iterator[Row]:
    """Test scores of random cuts of 80, 10 and 10 %, beside a forest on fingerprints of the same rows."""
    for name, methods in found["tables"].items():
        said = [_spread(methods[method]["test"]) for method in ("sonde", "random forest")]
        what = "RMSE in log mol/L" if name == "esol" else "mean AUROC"
        yield f"{name}, {what}", said[0], f"random forest {said[1]}", str(found["seeds"])


def protein(found: dict[str, Any]) -> Iterator[Row]:
    """Means over the folds; 40 domains are too few to learn folding from."""
    metrics = {
        "structure": ("lddt", "contact_precision"),
        "torsions": ("phi_error", "psi_error"),
        "inverse-folding": ("recovery", "perplexity"),
    }
    for task, methods in found["tasks"].items():
        said = {
            method: ", ".join(f"{name.replace('_', ' ')} {_spread(row[name])}" for name in metrics[task])
            for method, row in methods.items()
            if method != "folds better"
        }
        beside = "; ".join(f"{method}: {text}" for method, text in said.items() if method != "sonde")
        yield f"{task} of 40 domains", said["sonde"], beside, f"{found['folds']} folds"


RENDERERS: dict[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "mnist": mnist,
    "cifar10": cifar10,
    "depth": depth,
    "gradients": gradients,
    "genes": genes,
    "text_classification": text_classification,
    "text_pairs": text_pairs,
    "questions": questions,
    "speech": speech,
    "molecules": molecules,
    "protein": protein,
    "sequence_speed": sequence_speed,
    "few_labels": few_labels,
    "autoencoders": autoencoders,
    "generating": summary_generating.generating,
    "gan": summary_generating.gan,
    "flows": summary_generating.flows,
    "generated": summary_generating.generated,
    "spoken": summary_generating.spoken,
    "latent": summary_generating.latent,
    "masked_diffusion": summary_generating.masked_diffusion,
    "forecast_crps": summary_generating.forecast_crps,
    "video": summary_generating.video,
    "acting": summary_acting.acting,
    "atari": summary_acting.atari,
    "self_play_tic_tac_toe": summary_acting.tic_tac_toe,
    "self_play_connect_four": summary_acting.connect_four,
    "self_play_speed": summary_acting.speed,
    "self_play_go": summary_acting.go,
    "self_play_go_7x7": summary_acting.go,
    "self_play_chess": summary_acting.chess,
    "self_play_others": summary_acting.others,
    "offline": summary_acting.offline,
    "stepping": summary_acting.stepping,
    "segmentation": segmentation,
    "language": language,
    "language_speed": language_speed,
    "detection": detection,
    "forecasting": forecasting,
    "translation": translation,
    "overhead": overhead,
    "own_code": own_code,
    "bad_runs": bad_runs,
    "doctor": doctor,
    "doctor_cost": doctor_cost,
    "watch_cost": watch_cost,
    "doctor_recipes": doctor_recipes,
    "throughput": throughput,
    "tables": tables,
    "optimizers": optimizers,
    "kill": kill,
    "time_limit": time_limit,
    "unchanged": unchanged,
    "memory": memory,
    "streaming": streaming,
    "parity": parity,
}


def table() -> str:
    """The markdown table of every result there is."""
    lines = ["| measured | Sonde | compared with | runs | script |", "|---|---|---|---|---|"]
    for name, render in RENDERERS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            rows = render(json.loads(path.read_text(encoding="utf-8")))
            lines += [f"| {' | '.join(row)} | `benchmarks.{name}` |" for row in rows]
    return "\n".join(lines)


def filled(page: str) -> str:
    """The text with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
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
    """Put the table of today's results into docs/results.md."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        now = PAGE.read_text(encoding="utf-8")
        late = "docs/results.md is older than benchmarks/results: python -m benchmarks.summary"
        raise SystemExit(0 if filled(now) == now else late)
    print(table())
    renew()


if __name__ == "__main__":
    main()
