"""Tuned defaults for texts and chains of letters that get one answer a row.

Measured on SST-2 (6,920 sentences to train on) by accuracy on its 872 validation sentences, which one seed tells to a point or
so; `benchmarks/text_classification.py` and `benchmarks/genes.py` measure what they reach on test rows, with seeds and spread.
"""

from typing import Any

from sonde.core.dataset import Dataset
from sonde.core.vocabulary import Characters, read_vocabulary
from sonde.data.feed.layout import lengths_of

Settings = dict[str, tuple[Any, str]]

UPDATES = {"convolution": 840, "recurrent": 700, "transformer": 840}  # until validation no longer gains on SST-2
UPDATES_PLACES = (
    1_400  # of chains of letters cut around a place, which letters taken for unknown ones make anew each time
)
FEWEST, MOST = 3, 60  # epochs
ALIGNED_ROWS = 1_000  # from which on a network can learn what each place means
FEW_ROWS = 2_000  # of training: below, accuracy on the validation rows moves in coarse steps
KINDS = {
    **dict.fromkeys(("text-cnn", "tcn"), "convolution"),
    **dict.fromkeys(("rnn", "lstm", "gru", "bilstm", "bigru"), "recurrent"),
}  # all others are transformers


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if not by_letter(dataset):
        return "text-cnn", "text: as accurate as LSTMs on SST-2, and parallel over the words"
    if aligned(dataset) and len(dataset.splits["train"]) >= ALIGNED_ROWS:
        why = "sequences of equal length, where positions matter: 95 % validation accuracy on splice junctions, text-cnn 79 %"
        return "text-transformer", why
    return "text-cnn", "letter sequences, where short motifs matter"


def aligned(dataset: Dataset) -> bool:
    """Whether all training rows are equally long, as chains are that were cut around a place of interest."""
    lengths = lengths_of(dataset.splits["train"])
    return lengths is not None and int(lengths.min()) == int(lengths.max())


def by_letter(dataset: Dataset) -> bool:
    """Whether rows are read character by character."""
    return isinstance(read_vocabulary(dataset.schema.input.tokenizer), Characters)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any network that reads tokens."""
    rows, letters = len(dataset.splits["train"]), by_letter(dataset)
    kind = KINDS.get(model, "transformer")
    batch = min(50, max(8, rows // 20))
    by_place = letters and model == "text-transformer" and aligned(dataset)
    updates = UPDATES_PLACES if by_place else UPDATES[kind]
    epochs = min(MOST, max(FEWEST, updates * batch // rows))
    chosen: Settings = {
        "optimizer": ("adamw", "the usual optimizer for these models"),
        "batch_size": (batch, "as in Kim (2014); smaller for few rows, for enough updates"),
        "epochs": (epochs, f"about {updates:,} updates, from {FEWEST} to {MOST} epochs"),
        "clip": (1.0, "recurrent layers can have exploding gradients"),
        **_kind(kind),
    }
    if letters and kind == "convolution":
        chosen |= _patterns()
    if by_place:
        chosen |= _places()
    if rows < FEW_ROWS and dataset.schema.target.kind == "class" and "validation" in dataset.splits:
        chosen["monitor"] = ("log_loss", "accuracy is too coarse on few validation rows, log loss is not")
    return chosen


def _kind(kind: str) -> Settings:
    """What differs from one family of networks to the next, for words."""
    if kind == "recurrent":
        return {
            "lr": (2e-3, "80.96 % validation accuracy on SST-2 in 5 epochs"),
            "dropout": (0.5, "a few thousand texts are quickly overfitted"),
            "word_dropout": (0.2, "regularises, and trains the embedding of unknown words"),
            "ema": (0.99, "averaging the last hundred updates reduces noise"),
        }
    if kind == "transformer":
        return {
            "lr": (5e-4, "usual for transformers of this size"),
            "warmup": (0.1, "transformers need a warm-up"),
            "schedule": ("linear", "usual for training transformers on sentences"),
            "dropout": (0.3, "a few thousand texts are quickly overfitted"),
            "word_dropout": (0.2, "regularises, and trains the embedding of unknown words"),
            "ema": (0.99, "averaging the last hundred updates reduces noise"),
        }
    return {
        "lr": (1e-3, "81.54 % validation accuracy on SST-2 in epoch 3 of 6"),
        "dropout": (0.5, "as in Kim (2014); with 0.6, word dropout 0.25 and EMA 80.73 %"),
        "word_dropout": (0.1, "regularises, and trains the embedding of unknown words"),
    }


def _patterns() -> Settings:
    """For chains of letters that are looked through for patterns, which are longer than those of words."""
    why = "longer motifs over a small alphabet"
    return {
        "embedding": (32, why),
        "kernels": ((5, 11, 21), why),
        "width": (64, why),
        "dropout": (0.4, "few rows"),
        "word_dropout": (0.05, "light token dropout"),
        "lr": (2e-3, "a small alphabet is learned quickly"),
        "schedule": ("cosine", "few rows: a decaying rate helps convergence"),
    }


def _places() -> Settings:
    """For chains of letters that were cut around one place."""
    why = "splice junctions, 3 splits: 97.1 % validation accuracy; with lr 2e-3, no token dropout and no EMA 93.3 %"
    return {
        "positions": ("learned", "absolute positions matter"),
        "pool": ("token", "one position among many may be decisive"),
        "width": (64, why),
        "dropout": (0.2, why),
        "word_dropout": (0.1, why),
        "lr": (1e-3, why),
        "schedule": ("cosine", why),
        "warmup": (0.0, why),
        "ema": (0.99, why),
    }
