"""What an evaluation leaves in the run folder: numbers, tables and pictures of the rows with the highest and the lowest loss."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sonde.core.files import write_json, write_text
from sonde.core.seams import Meter, Source, abilities_of
from sonde.core.vocabulary import read_vocabulary
from sonde.data.splits import truth_of
from sonde.modalities.audio.show import spectrogram_picture
from sonde.modalities.audio.waveforms import write_wav
from sonde.modalities.molecule.graphs import drawing, smiles_of
from sonde.modalities.text.rows import shortened, text_of
from sonde.run.build import Assembly

CASES = ("worst", "best", "examples")  # tables of rows that are shown
WIDEST = 480  # pixels of a saved picture
LONGEST_TEXT = 300  # characters of a text beside a case
HEAVY = 60_000  # bytes; of a picture above it 64 colours are kept, or a report could not hold them all


def write_evaluation(folder: Path, meter: Meter, source: Source, assembly: Assembly) -> None:
    """Fill evaluation/<split>/ as docs/run-folder.md describes it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", meter.compute())
    for stem, content in meter.details().items():
        if stem in CASES:
            content = [
                _with_picture(entry, f"{stem}/{number}.png", folder, source, assembly)
                for number, entry in enumerate(content)
            ]
        elif stem == "attention":
            content = [_with_source(entry, folder, assembly) for entry in content]
        write_json(folder / f"{stem}.json", content)
    if (samples := abilities_of(assembly.task).samples) is not None and assembly.dataset is not None:
        write_json(folder / "written.json", samples(assembly.dataset.schema.input.shape[0]))


def baseline(assembly: Assembly, split: str) -> dict[str, Any]:
    """Metrics of a trivial baseline on a split (a prediction that ignores the input), and "what" it predicts.

    Empty where the task knows of none, and with --overfit-batches.

    """
    dataset, able = assembly.dataset, abilities_of(assembly.task)
    if assembly.config.data.overfit_batches:
        return {}
    if able.rule_baseline is not None:
        meter = assembly.task.meter()
        for batch in assembly.evaluation_sources[split]:
            meter.update(able.rule_baseline.evaluate(batch), batch.index)
        return {**meter.compute(), "what": able.rule_baseline.name}
    if dataset is None or able.trivial_baseline is None:
        return {}
    target = dataset.schema.target
    known, judged = (
        {
            name: torch.as_tensor(values, dtype=torch.int64 if target.kind == "class" else torch.float32)
            for name, values in truth_of(dataset.splits[part], masked=target.masked).items()
        }
        for part in ("train", split)
    )
    what, metrics = able.trivial_baseline(known, judged)
    return {**metrics, "what": what}


def _with_picture(
    entry: dict[str, Any], picture: str, folder: Path, source: Source, assembly: Assembly
) -> dict[str, Any]:
    index = int(entry["index"])
    named = {**entry, "row": source.describe(index), "picture": None}
    if assembly.dataset is None:
        return named
    by_heart = bool(assembly.config.data.overfit_batches)  # then training rows are judged as validation
    rows = assembly.dataset.splits["train" if by_heart else folder.name]
    if text := text_of(rows, index):
        return {**named, "text": shortened(text, LONGEST_TEXT)}
    if smiles := smiles_of(rows, index):
        drawn = str(Path(picture).with_suffix(".svg"))
        (folder / drawn).parent.mkdir(exist_ok=True)
        write_text(folder / drawn, drawing(smiles))
        return {**named, "picture": drawn}
    if assembly.dataset.schema.input.kind == "audio":
        samples = rows.read(np.array([index]))["input"][0]
        return {**named, **_heard(samples, assembly.dataset.schema.input.rate, folder, picture)}
    if assembly.dataset.schema.input.kind != "image":
        return named
    pixels = rows.read(np.array([index]))["input"][0]  # (C, H, W) uint8
    if (draw := abilities_of(assembly.task).draw) is not None:
        pixels = draw(pixels, entry)
    (folder / picture).parent.mkdir(exist_ok=True)
    save_png(folder / picture, pixels)
    return {**named, "picture": picture}


def _heard(samples: np.ndarray, rate: int, folder: Path, picture: str) -> dict[str, str]:
    """Write a recording (S,) beside its spectrogram; their names inside `folder`."""
    sound = str(Path(picture).with_suffix(".wav"))
    (folder / picture).parent.mkdir(exist_ok=True)
    save_png(folder / picture, spectrogram_picture(samples, rate))
    write_wav(folder / sound, samples, rate)
    return {"picture": picture, "sound": sound}


def _with_source(entry: dict[str, Any], folder: Path, assembly: Assembly) -> dict[str, Any]:
    """A map of attention with the tokens that were looked at."""
    assert assembly.dataset is not None
    rows = assembly.dataset.splits["train" if assembly.config.data.overfit_batches else folder.name]
    tokens = rows.read(np.array([entry["index"]]))["input"][0]
    vocabulary = read_vocabulary(assembly.dataset.schema.input.tokenizer)
    return {**entry, "source": [vocabulary.symbol(int(number)) for number in tokens]}


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write (C, H, W) uint8 as a PNG, enlarged by whole pixels to about 64 or reduced to `WIDEST`."""
    from PIL import Image

    picture = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))
    image = Image.fromarray(picture)
    factor = max(1, 64 // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    image.thumbnail((WIDEST, WIDEST))
    image.save(path)
    if path.stat().st_size > HEAVY:
        image.quantize(64).save(path)
