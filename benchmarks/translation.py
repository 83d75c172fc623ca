"""English to German on Multi30k: BLEU on the Flickr test of 2016 within an hour on two cores. python -m benchmarks.translation

Train and validation as the task gives them, raw text in; the best checkpoint is chosen by validation alone and the test split is
translated once. BLEU is sacrebleu's on the text as it reads: cased, detokenised, one reference, words by rule 13a; it is counted
again here from the two files of sentences, by sacrebleu itself. Beside it what can be had without learning: the source as it is.
"""

import argparse
import gzip
import tempfile
from pathlib import Path
from typing import Any

import sacrebleu

import sonde
from benchmarks.timing import data_folder, write

GOAL, STRETCH = 30.0, 34.0
LIMIT = "60m"


def lines(name: str) -> list[str]:
    """The sentences of one file of the test split."""
    return gzip.decompress((data_folder() / "multi30k" / f"{name}.gz").read_bytes()).decode().splitlines()


def measured(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """One run from raw text to translated test sentences; one that is there already is judged anew."""
    there = (out / "result.json").exists()
    run = sonde.load(out) if there else sonde.train(data_folder() / "multi30k", out=out, **settings)
    result = run.result
    truth, source = lines("test_2016_flickr.de"), lines("test_2016_flickr.en")
    said = [row["prediction"] for row in run.predict(source)]
    metric = sacrebleu.metrics.BLEU()
    again = metric.corpus_score(said, [truth])
    return {
        "model": result["model"],
        "parameters": result["parameters"],
        "epochs": result["epochs"],
        "steps": result["steps"],
        "bleu": round(result["metrics"]["test"]["bleu"], 2),
        "bleu_of_files": round(again.score, 2),
        "signature": str(metric.get_signature()),
        "validation_bleu": round(result["metrics"]["validation"]["bleu"], 2),
        "perplexity": round(result["metrics"]["test"]["perplexity"], 3),
        "copied_bleu": round(metric.corpus_score(source, [truth]).score, 2),
        "seconds": result["seconds"],
        "rows_per_s": result["samples_per_s"],
        "threads": result["plan"]["threads"],
        "precision": result["plan"]["precision"],
        "settings": settings,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--time-limit", default=LIMIT, help="another than the hour's is printed and not written")
    parser.add_argument("--out", type=Path, help="keep the run folders here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = []
        for seed in range(given.seeds):
            settings = {"time_limit": given.time_limit, "seed": seed}
            runs.append(measured((given.out or Path(scratch)) / f"seed{seed}", settings))
            print(
                f"seed {seed}: {runs[-1]['bleu']:.2f} BLEU in {runs[-1]['seconds']['total'] / 60:.1f} minutes",
                flush=True,
            )
    best = min(run["bleu"] for run in runs)
    print(f"lowest {best:.2f}; asked {GOAL:.0f}, hoped for {STRETCH:.0f}")
    if given.time_limit == LIMIT:
        write("translation", {"goal": GOAL, "stretch": STRETCH, "runs": runs})


if __name__ == "__main__":
    main()
