"""fastai's own way with small images: a fresh ResNet-18, its default augmentation and batch size, fit_one_cycle.

Usage: python fastai_cifar10.py FOLDER SECONDS; the number of epochs is what fits, from a timed part of one. One JSON line.
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


def rows(folder, split):
    found = []
    for path in sorted(Path(folder, "data").glob(f"{split}-*.parquet")):
        table = pq.read_table(path).to_pydict()
        found += [(image["bytes"], label) for image, label in zip(table["image"], table["label"], strict=True)]
    return found


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
    loaders = block.dataloaders(list(range(len(both))), bs=64, num_workers=0)
    learner = vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy)
    learner.unfreeze()
    learner.remove_cbs([ProgressCallback])
    with learner.no_logging():
        timed = time.perf_counter()
        batches = iter(loaders.train)
        batch = next(batches)
        for _ in range(19):
            batch = next(batches)
        input_s = (time.perf_counter() - timed) / 20
        timed = time.perf_counter()
        model, loss_of = learner.model, learner.loss_func
        for _ in range(10):
            loss_of(model(batch[0]), batch[1]).backward()
        step_s = (time.perf_counter() - timed) / 10 + input_s
        model.zero_grad()
        epoch_s = step_s * len(loaders.train) * 1.15  # the optimiser and a test pass
        epochs = max(1, int((limit - (time.perf_counter() - begun)) / epoch_s))
        learner.fit_one_cycle(epochs)
    score = float(learner.recorder.values[-1][-1])
    print(json.dumps({"accuracy": score, "epochs": epochs, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
