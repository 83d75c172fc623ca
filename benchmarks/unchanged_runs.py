"""What `benchmarks.unchanged` trains: 20 configurations that touch every task, and the small pieces of real data they train on.

Only what is promised to users stands here: verbs, flags, and names that `sonde` itself hands out. What lies inside the package
may move between the two revisions that are compared. Where a recipe may choose bf16 the precision is typed: whether bf16 is
faster on this machine is timed, so two runs need not choose alike.
"""

import gzip
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow.parquet

COMMON = "--log-every 1 --threads 1 --seed 5 --quiet"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One row of the comparison.

    commands: flags of `sonde train` after DATA, one run after another; $data is the folder of `pieces`, $first the first run;
              `--units/width` stands for a flag that was renamed: --units before sonde/models/renamed.py, --width since
    program:  Python, run with the data folder and the run folder as its arguments, instead of commands
    """

    commands: tuple[str, ...] = ()
    program: str = ""


ARRAYS = """
import sys
import numpy as np
import sonde

data, out = sys.argv[1:]
draw = np.random.default_rng(3)
x = draw.normal(size=(200, 6)).astype(np.float32)
y = np.stack([x[:, 0] * x[:, 1], np.sin(x[:, 2])], 1).astype(np.float32)
settings = {"model": "mlp", "hidden": (16, 8), "dropout": 0.1, "loss": "huber", "optimizer": "nesterov", "lr": 0.02}
common = {"steps": 12, "batch_size": 16, "log_every": 1, "threads": 1, "seed": 5, "quiet": True}
sonde.train((x, y), out=out, **settings, **common)
"""

OWN = """
import sys
import torch
import sonde

data, out = sys.argv[1:]
torch.manual_seed(7)
x = torch.rand(256, 2) * 2 - 1
y = (x.norm(dim=1) < 0.7).long()
net = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 2))
loss = torch.nn.functional.cross_entropy
metrics = {"accuracy": lambda logits, target: (logits.argmax(1) == target).float().mean()}
settings = {"optimizer": "rmsprop", "schedule": "wsd", "ema": 0.9, "clip_value": 0.1, "steps": 15, "batch_size": 32}
common = {"log_every": 1, "threads": 1, "seed": 5, "quiet": True}
sonde.fit(net, (x[:192], y[:192]), validation=(x[192:], y[192:]), loss=loss, metrics=metrics, out=out, **settings, **common)
"""

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FSDD = "$data/fsdd --labels {label}_{speaker}_{take} --held-out take=0-1"
SPEECH = (
    f"{FSDD} --task speech-recognition --model speech-conformer-tiny --blocks/layers 1 --mels 16 "
    f"--label-names {' '.join(f'{n}={word}' for n, word in enumerate(WORDS))}"
)

CONFIGURATIONS: Mapping[str, Configuration] = {
    "simclr, then labels": Configuration(
        commands=(
            "digits --task simclr --model compact-cnn --widths 8,16 --projection 16 --batch-size 32 --steps 6 --precision bf16",
            "digits --pretrained $first --widths 8,16 --label-fraction 0.3 --layer-decay 0.7 --label-smoothing 0.1 "
            "--batch-size 32 --steps 12 --augment crop=1:zero,rotate=10,cutout=2 --precision bf16",
        )
    ),
    "images, CNN": Configuration(
        commands=(
            "$data/cifar --model resnet20 --width 4 --precision bf16 --ema 0.8 --optimizer muon --lr 0.01 --schedule one-cycle "
            "--augment flip,crop=4,colour=0.2,mixup=0.4,cutmix=1 --feed streaming --workers 1 --batch-size 16 --steps 8",
        )
    ),
    "tables, 2 folds": Configuration(
        commands=(
            "$data/titanic.csv --target Survived --folds 2 --width 16 --members 2 --balanced --batch-size 32 --lr 0.02 "
            "--warmup 0 --steps 20",
            "$data/housing.csv --target median_house_value,median_income --task regression --loss mae --width 16 --members 2 "
            "--optimizer adam --schedule step --batch-size 32 --steps 10",
        )
    ),
    "texts": Configuration(
        commands=(
            "$data/sst2 --model bigru --embedding 8 --units/width 8 --word-dropout 0.1 --batch-size 16 --lr 0.02 --steps 20",
            "$data/genomics/splice.data --model text-cnn --embedding 8 --filters/width 4 --class-weights balanced "
            "--batch-size 16 --steps 8",
        )
    ),
    "recordings": Configuration(
        commands=(
            f"{FSDD} --mels 16 --channels/widths 4,8 --augment speed=0.1,noise=15 --accumulate 2 --batch-size 8 --steps 8",
        )
    ),
    "molecules": Configuration(
        commands=(
            "$data/tox21.csv --target NR-AR,NR-AR-LBD,NR-AhR,NR-Aromatase,NR-ER,NR-ER-LBD,NR-PPAR-gamma,SR-ARE,SR-ATAD5,"
            "SR-HSE,SR-MMP,SR-p53 --task classification --width 16 --rounds/layers 2 --batch-size 16 --steps 10",
            "$data/esol.csv --target 'measured log solubility in mols per litre' --width 16 --rounds/layers 2 --batch-size 16 "
            "--steps 10",
        )
    ),
    "segmentation": Configuration(
        commands=(
            "$data/nuclei --widths 4,8 --image-size 64 --augment flip,vflip,crop=4 --clip 1 --batch-size 4 --lr 0.01 "
            "--warmup 0 --steps 24 --precision bf16",
        )
    ),
    "detection": Configuration(
        commands=(
            "$data/bccd --model detector-tiny --image-size 96 --pyramid-width 16 --batch-size 4 --lr 0.003 --steps 12 "
            "--precision bf16",
        )
    ),
    "masked autoencoder": Configuration(
        commands=(
            "$data/cifar --task masked-autoencoder --model vit-tiny-16 --patch 8 --stochastic-depth 0.1 --decoder-width 16 "
            "--decoder-depth 1 --batch-size 8 --steps 5 --precision bf16",
        )
    ),
    "language model": Configuration(
        commands=(
            "$data/verse.txt --model modern-gpt --width 16 --depth/layers 2 --heads 2 --max-tokens 32 --dropout 0.1 "
            "--batch-size 8 --steps 10 --precision bf16",
            "$data/verse.txt --model gru-lm --carry --embedding 8 --units/width 12 --max-tokens 16 --tokenizer bpe "
            "--vocabulary 120 --batch-size 4 --steps 10 --precision fp32",
        )
    ),
    "masked language model": Configuration(
        commands=(
            "$data/sst2 --task masked-language-model --model bert-tiny --batch-size 16 --steps 8 --precision bf16",
        )
    ),
    "translation": Configuration(
        commands=(
            "$data/multi30k --model transformer-tiny --beam 2 --label-smoothing 0.1 --batch-size 16 --vocabulary 300 "
            "--steps 8 --precision bf16",
            "$data/multi30k --model seq2seq-gru --source-language de --no-shared-vocabulary --tokenizer words --batch-size 16 "
            "--overfit-batches 1 --lr 0.005 --warmup 0 --steps 25 --precision fp32",  # so that there is a BLEU
        )
    ),
    "question answering": Configuration(
        commands=(
            "$data/questions --width 16 --embedding 8 --batch-size 11 --steps 8",
            "$data/questions --width 16 --embedding 8 --batch-size 8 --overfit-batches 2 --lr 0.02 --warmup 0 --steps 16",
        )
    ),
    "speech recognition": Configuration(
        commands=(
            f"{SPEECH} --beam 2 --batch-size 8 --steps 6",
            f"{SPEECH} --overfit-batches 1 --batch-size 16 --dropout 0 --lr 0.005 --warmup 0 --steps 40",
        )
    ),
    "forecasting": Configuration(
        commands=(
            "$data/hours.csv --task forecasting --model patchtst --dim/width 8 --layers 1 --feed-forward/mlp-width 16 "
            "--loss quantile --horizon 12 --look-back 48 --batch-size 16 --steps 10",
            "$data/hours.csv --task forecasting --model dlinear --apart/individual --split-at 300 400 --batch-size 16 --steps 10",
        )
    ),
    "structure": Configuration(
        commands=("$data/protein --task structure --pair-width 8 --residue-width 16 --batch-size 4 --steps 5",)
    ),
    "torsions": Configuration(
        commands=("$data/protein --task torsions --residue-width/embedding 8 --units/width 8 --batch-size 4 --steps 6",)
    ),
    "inverse folding": Configuration(
        commands=(
            "$data/protein --task inverse-folding --width 16 --rounds/layers 1 --neighbours 8 --batch-size 4 --steps 6",
        )
    ),
    "sonde.train of arrays": Configuration(program=ARRAYS),
    "sonde.fit of a module": Configuration(program=OWN),
}


def pieces(data: Path, out: Path) -> None:
    """Write what the configurations train on into `out`: a few rows of each set of `data`, in the set's own form."""
    images(data / "cifar10" / "data", out / "cifar")
    shutil.copy(data / "tabular" / "titanic.csv", out)
    texts(data / "sst2", out / "sst2")
    recordings(data / "fsdd" / "recordings", out / "fsdd")
    shutil.copytree(data / "genomics", out / "genomics")
    beginning(data / "tabular" / "housing.csv", out / "housing.csv", lines=401)
    beginning(data / "molecules" / "tox21.csv.gz", out / "tox21.csv", lines=301)
    beginning(data / "molecules" / "delaney-processed.csv", out / "esol.csv", lines=201)
    nuclei(data / "dsb2018", out / "nuclei")
    cells(data / "bccd" / "BCCD", out / "bccd")
    verse = (data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    (out / "verse.txt").write_text(verse[:12_000], encoding="utf-8")
    sentences(data / "multi30k", out / "multi30k")
    questions(data / "xquad_en" / "xquad.en.json", out / "questions")
    beginning(data / "timeseries" / "ETTh1.csv", out / "hours.csv", lines=501)
    chains(data / "protein", out / "protein")


def beginning(source: Path, out: Path, *, lines: int) -> None:
    """The first lines of a text, which may be packed."""
    with gzip.open(source, "rt", encoding="utf-8") if source.suffix == ".gz" else source.open(encoding="utf-8") as file:
        out.write_text("".join(islice(file, lines)), encoding="utf-8")


def images(source: Path, out: Path) -> None:
    """Class folders with 8 training and 4 test images of each of four classes."""
    for split, wanted, shard in (("train", 8, "train-00000-of-00002"), ("test", 4, "test-00000-of-00001")):
        table = pyarrow.parquet.ParquetFile(source / f"{shard}.parquet").read_row_group(0).slice(0, 400)
        found = dict.fromkeys(range(4), 0)
        for row in table.to_pylist():
            label = row["label"]
            if found.get(label, wanted) < wanted:
                path = out / split / f"class{label}" / f"{found[label]}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(row["image"]["bytes"])
                found[label] += 1


def texts(source: Path, out: Path) -> None:
    out.mkdir()
    for name, rows in (("train", 120), ("dev", 30), ("test", 30)):
        beginning(source / f"{name}.tsv", out / f"{name}.tsv", lines=rows)


def recordings(source: Path, out: Path) -> None:
    """Two speakers, three takes, one of them held out."""
    out.mkdir()
    for path in sorted(source.glob("*.wav")):
        _, speaker, take = path.stem.split("_")
        if speaker in ("theo", "george") and take in ("0", "5", "6"):
            shutil.copy(path, out)


def nuclei(source: Path, out: Path) -> None:
    for split, rows in (("train", 12), ("val", 4)):
        names = (source / f"{split}.txt").read_text(encoding="utf-8").split()[:rows]
        for folder in ("images", "masks"):
            (out / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copy(source / folder / f"{name}.png", out / folder)
        (out / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def cells(source: Path, out: Path) -> None:
    """Pascal VOC, as it is laid out, with shorter lists."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (out / folder).mkdir(parents=True)
    for split, rows in (("train", 10), ("val", 4), ("test", 4)):
        names = (source / "ImageSets" / "Main" / f"{split}.txt").read_text(encoding="utf-8").split()[:rows]
        for name in names:
            shutil.copy(source / "JPEGImages" / f"{name}.jpg", out / "JPEGImages")
            shutil.copy(source / "Annotations" / f"{name}.xml", out / "Annotations")
        (out / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def sentences(source: Path, out: Path) -> None:
    out.mkdir()
    for name, rows in (("train", 100), ("val", 12), ("test_2016_flickr", 12)):
        for language in ("en", "de"):
            beginning(source / f"{name}.{language}.gz", out / f"{name}.{language}", lines=rows)


def questions(source: Path, out: Path) -> None:
    """Eight articles with their first paragraph."""
    out.mkdir()
    content = json.loads(source.read_text(encoding="utf-8"))
    articles = [{**article, "paragraphs": article["paragraphs"][:1]} for article in content["data"][:8]]
    (out / "train.json").write_text(json.dumps({**content, "data": articles}), encoding="utf-8")


def chains(source: Path, out: Path) -> None:
    """The ten shortest domains."""
    out.mkdir()
    for path in sorted(source.glob("*.pdb"), key=lambda path: (path.stat().st_size, path.name))[:10]:
        shutil.copy(path, out)
