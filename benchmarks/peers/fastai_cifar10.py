"""fastai's own way with small images: a fresh ResNet-18, its default augmentation and batch size, fit_one_cycle.

Usage: python fastai_cifar10.py FOLDER SECONDS; the number of epochs is what fits, from timed steps. One JSON line.
"""

import io
import json
import os
import sys
import time
from pathlib import Path

begun = time.perf_counter()
if tools := os.environ.get("SONDE_PARITY_TOOLS"):
    sys.path.insert(0, tools)
    import torchvision_on_cpu  # noqa: F401 - declares the operators a CPU build of torch lacks
import pyarrow.parquet as pq
from fastai.vision.all import (
    Callback,
    CancelFitException,
    CategoryBlock,
    DataBlock,
    ImageBlock,
    IndexSplitter,
    PILImage,
    accuracy,
    aug_transforms,
    ProgressCallback,
    resnet18,
    vision_learner,
)

BATCH = 64  # fastai's default
TIMED = 30  # steps


def rows(folder, split):
    found = []
    for path in sorted(Path(folder, "data").glob(f"{split}-*.parquet")):
        table = pq.read_table(path).to_pydict()
        found += [(image["bytes"], label) for image, label in zip(table["image"], table["label"], strict=True)]
    return found


class Timed(Callback):
    """Ends a fit after some steps; the first few, which warm up, are not counted."""

    def before_fit(self):
        self.ends = []

    def after_batch(self):
        self.ends.append(time.perf_counter())
        if len(self.ends) == 5 + TIMED:
            raise CancelFitException


def fresh(loaders):
    learner = vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy)
    learner.unfreeze()
    learner.remove_cbs([ProgressCallback])
    return learner


def epoch_seconds(loaders, numbers):
    """Of whole steps, and of the judgement that ends an epoch. numbers: some rows to judge on"""
    learner, timed = fresh(loaders), Timed()
    with learner.no_logging():
        learner.fit_one_cycle(1, cbs=timed)
        some = loaders.test_dl(numbers, with_labels=True)
        started = time.perf_counter()
        learner.validate(dl=some)
        test_s = (time.perf_counter() - started) / len(some)
    return (timed.ends[-1] - timed.ends[4]) / TIMED * len(loaders.train) + test_s * len(loaders.valid)


def main(folder, limit):
    train, test = rows(folder, "train"), rows(folder, "test")
    both = train + test

    def picture(number):
        return PILImage.create(io.BytesIO(both[number][0]))

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=list(range(10)))),
        get_x=picture,
        get_y=lambda number: both[number][1],
        splitter=IndexSplitter(range(len(train), len(both))),
        batch_tfms=aug_transforms(),
    )
    loaders = block.dataloaders(list(range(len(both))), bs=BATCH, num_workers=0)
    epoch_s = epoch_seconds(loaders, range(len(train), len(train) + 10 * BATCH))
    learner = fresh(loaders)
    epochs = max(1, int((limit - (time.perf_counter() - begun)) / epoch_s))
    with learner.no_logging():
        learner.fit_one_cycle(epochs)
    score = float(learner.recorder.values[-1][-1])
    print(json.dumps({"accuracy": score, "epochs": epochs, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
