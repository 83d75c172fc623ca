"""Questions about paragraphs: learnt by heart, on paragraphs never seen, and the work of a file as large as SQuAD's.

python -m benchmarks.questions [--seeds 3]: xquad_en, 1,190 questions about 240 paragraphs of 48 articles, of which whole
articles are held back (a fifth to judge by, a tenth of the rest to choose the best checkpoint by). Beside it, on the same
questions, lexical overlap without training: the sentence that shares most with the question, and in it a likely phrase. Exact
match and F1 as SQuAD's official script counts them. Last, a file in SQuAD's layout of as many paragraphs as asked: seconds and
memory of reading it, and of an epoch, by 1,000 questions.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.timing import data_folder, run, sonde_train, spread, write

SCORES = ("exact_match", "f1")
COPIES = 10  # of xquad_en, each question changed a little, for the large file

READING = """
import json, resource, sys, time
from pathlib import Path
from sonde.core.config import DataConfig
from sonde.modalities.open import open_data
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
dataset = open_data(Path(sys.argv[1]), DataConfig(test=0.0, validation=0.0))
seconds = time.perf_counter() - begun
rows = dataset.splits["train"]
print(json.dumps({"questions": len(rows), "seconds": seconds, "held bytes": rows.nbytes(),
                  "peak kB more": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}))
"""


def scored(result: dict[str, Any], split: str) -> dict[str, float]:
    """Exact match and F1 of a split."""
    return {name: round(result["metrics"][split][name], 4) for name in SCORES}


def held_back(seeds: int) -> dict[str, Any]:
    """The default recipe on articles never seen, and lexical overlap on the same questions."""
    rows = []
    for seed in range(seeds):
        seconds, result = sonde_train(data_folder() / "xquad_en", "--seed", str(seed))
        rows.append({"seconds": seconds, "epochs": result["epochs"], "test": scored(result, "test"), "result": result})
    last = rows[-1]["result"]
    return {
        "model": last["model"],
        "parameters": last["parameters"],
        **{name: spread([row["test"][name] for row in rows]) for name in SCORES},
        "seconds": spread([row["seconds"] for row in rows]),
        "lexical overlap": {name: round(last["baseline"][name], 4) for name in SCORES},
        "plan": last["plan"]["lines"],
    }


def by_heart() -> dict[str, Any]:
    """Every question trained on and judged: nothing is held back, and nothing stands against it."""
    flags = ("--overfit-batches", "40", "--epochs", "40", "--dropout", "0", "--evaluate-every", "10")
    seconds, result = sonde_train(data_folder() / "xquad_en", *flags)
    return {"seconds": round(seconds, 1), **scored(result, "validation")}


def large(folder: Path) -> Path:
    """A file in SQuAD's layout, `COPIES` times as large as xquad_en."""
    content = json.loads(next((data_folder() / "xquad_en").glob("*.json")).read_text(encoding="utf-8"))
    data = []
    for copy in range(COPIES):
        for article in json.loads(json.dumps(content["data"])):
            article["title"] += f"_{copy}"
            for paragraph in article["paragraphs"]:
                paragraph["context"] += f" Copy {copy}."
            data.append(article)
    path = folder / "train-v1.1.json"
    path.write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")
    return path


def work() -> dict[str, Any]:
    """Reading a large file, and one epoch over it, by 1,000 questions."""
    with tempfile.TemporaryDirectory() as folder:
        path = large(Path(folder))
        read = json.loads(run([sys.executable, "-c", READING, path])[1])
        _, result = sonde_train(path, "--epochs", "1", "--validation", "0.02", "--test", "0")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    thousands = read["questions"] / 1000
    return {
        "questions": read["questions"],
        "reading seconds per 1,000": round(read["seconds"] / thousands, 3),
        "rows held, kB per 1,000": round(read["held bytes"] / 1000 / thousands, 1),
        "reading peak, MB": round(read["peak kB more"] / 1000, 1),
        "training questions per second": result["samples_per_s"],
        "training peak, MB": round(peak / 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    found = {"by heart": by_heart(), "held back": held_back(parser.parse_args().seeds), "work": work()}
    print(json.dumps(found, indent=2))
    write("questions", found)


if __name__ == "__main__":
    main()
