"""Transfer learning: finding the weights, loading them, freezing, and the settings that suit it."""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sonde.core.config import FeedConfig, TrainConfig, TransferConfig
from sonde.core.config_file import read_config
from sonde.core.damaged import reading
from sonde.core.dataset import Dataset, Fact, Schema
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.overrides import Overrides
from sonde.core.progress import Tick
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.schema_file import read_schema
from sonde.engine import checkpoint
from sonde.modalities.text.published_vocabulary import is_published, renumbered
from sonde.models.build import config_class
from sonde.models.layers import distances, freeze
from sonde.models.pretrained import load_pretrained, read_weights
from sonde.models.renamed import with_new_names
from sonde.run.begun_from import in_parts
from sonde.run.choose import Recipe
from sonde.run.published import locate, scales_of
from sonde.run.resolve import CUSTOM_MODULE

IMAGENET = "imagenet"
LIBRARY = "hf:"  # before the name of a network of transformers
PUBLISHED = ("model.safetensors", "pytorch_model.bin")  # weights in a folder of Hugging Face's
BY_TOKEN = ("word_embeddings.weight", "wte.weight", "lm_head.weight", "embed_tokens.weight")  # a row a token
FEWEST_UPDATES = 400  # digits, 65 rows: 19 % after 20 updates of a network that learnt without labels, 78 % after 200
GENTLER = 10  # times lower than from scratch: weights that are right already should not be shaken off their place


def prepare(model: nn.Module, config: TransferConfig, *, name: str, out_dim: int, fresh: bool, tick: Tick) -> list[str]:
    """Load and freeze what a config asks for; returns what was done, a line each.

    name:  of the network in the catalogue
    fresh: whether the run begins; one that goes on has its weights in its checkpoint
    Raises: ConfigError, DataError, RunFolderError for weights that are not there or do not fit
    """
    lines: list[str] = []
    if config.pretrained is not None and fresh:
        weights = find_weights(config.pretrained, model=name, tick=tick)
        lines += load_pretrained(model, weights, source=config.pretrained, out_dim=out_dim)
    if config.freeze not in ("none", 0):
        lines.append(freeze(model, "backbone" if config.freeze == "backbone" else int(config.freeze)))
    if config.layer_decay != 1:
        farthest = max(distances(model).values(), default=0)
        lines.append(
            f"each layer has {config.layer_decay:g} of the learning rate of the next (layer-wise decay); the first of "
            f"{farthest + 1} has {config.layer_decay**farthest:.2g} of the head's"
        )
    return lines


def prepared(model: nn.Module, config: TrainConfig, *, out_dim: int, fresh: bool, tick: Tick) -> list[str]:
    """What `prepare` does, for a run; weights of a task in parts are loaded once it is built (`run/begun_from`)."""
    loads = fresh and not in_parts(config.task)
    return prepare(model, config.transfer, name=config.model, out_dim=out_dim, fresh=loads, tick=tick)


def unread_weights(model: str, pretrained: str | None) -> str:
    """A warning where a folder with weights is named as a network (`hf:DIR`), of which the weights are not loaded; else ""."""
    folder = Path(model.removeprefix(LIBRARY)).expanduser()
    if pretrained is not None or not model.startswith(LIBRARY) or not folder.is_dir() or _published(folder) is None:
        return ""
    return (
        f"--model {model} starts from random weights, as the folder describes; --pretrained {folder} loads those in it"
    )


def normalised(dataset: Dataset, config: TransferConfig, model: str) -> Dataset:
    """The dataset with its images normalised as for the pre-trained weights: ImageNet's, or an earlier run's.

    For weights from a file the normalisation is unknown, so the data's own mean and standard deviation stay.
    """
    if not dataset.schema.input.has_planes or config.pretrained is None:
        return dataset
    if config.pretrained == IMAGENET:
        mean, std = scales_of(model)
    elif (path := Path(config.pretrained).expanduser()).is_dir() and (saved := open_run(path)).schema.exists():
        before = read_schema(saved).input
        mean, std = before.mean, before.std
    else:
        return dataset
    if len(mean) != dataset.schema.input.shape[0]:
        return dataset
    fact = Fact("pixels normalised as for the pre-trained weights", f"--pretrained {config.pretrained}")
    return replace(scaled(dataset, mean, std), facts=[*dataset.facts, fact])


def as_begun(dataset: Dataset, folder: RunFolder, pretrained: str | None = None) -> Dataset:
    """The dataset with its images scaled as when the run began, wherever that scale came from, and with its numbers' ranks as
    known then: a run of an earlier version goes on without.

    pretrained: where its first weights came from; without any the scale is the data's own, whatever schema.json holds
    """
    schema = dataset.schema
    if not folder.schema.exists() or not (schema.input.has_planes or schema.input.columns):
        return dataset
    try:
        before: Schema = read_schema(folder)
    except RunFolderError:
        if pretrained is not None and schema.input.has_planes:
            raise
        return dataset
    if schema.input.has_planes:
        return scaled(dataset, before.input.mean, before.input.std)
    ranks = {column.name: column.shares for column in before.input.columns}
    columns = tuple(replace(each, shares=ranks.get(each.name, ())) for each in schema.input.columns)
    return replace(dataset, schema=replace(schema, input=replace(schema.input, columns=columns)))


def scaled(dataset: Dataset, mean: tuple[float, ...], std: tuple[float, ...]) -> Dataset:
    """The dataset with another mean and standard deviation per channel, by which images are normalised."""
    schema = replace(dataset.schema, input=replace(dataset.schema.input, mean=mean, std=std))
    return replace(dataset, schema=schema)


def find_weights(where: str, *, model: str, tick: Tick) -> dict[str, Tensor]:
    """Tensors by name: published ones, the best checkpoint of a run, or those in a file.

    Raises: ConfigError, DataError, RunFolderError when there are none
    """
    if where == IMAGENET:
        return read_weights(locate(model, tick=tick))
    path = Path(where).expanduser()
    if not path.exists():
        raise ConfigError(f"--pretrained {where}: no such file or run folder; {IMAGENET} selects published weights")
    if not path.is_dir():
        return _as_numbered(read_weights(path), path.parent)
    if (published := _published(path)) is not None:
        return _as_numbered(read_weights(published), path)
    held, _ = checkpoint.read(checkpoint.best_folder(open_run(path).checkpoints))
    return {name.removeprefix("model."): value for name, value in held.items() if name.startswith("model.")}


def _as_numbered(weights: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Weights with the embeddings of special tokens where ours stand, if a published vocabulary lies beside them."""
    content = _published_vocabulary(folder)
    if not content:
        return weights
    with reading(RunFolder(folder).tokenizer, run=folder):
        _, order = renumbered(content)
    return {
        name: value[order] if name.endswith(BY_TOKEN) and len(value) == max(order) + 1 else value
        for name, value in weights.items()
    }


def _published(folder: Path) -> Path | None:
    """The file of weights in a folder as Hugging Face publishes networks, None for other folders."""
    found = (folder / name for name in PUBLISHED if (folder / name).is_file())
    return None if RunFolder(folder).config.exists() else next(found, None)


def _published_vocabulary(folder: Path) -> str:
    """The tokenizer.json of a published BERT or GPT-2, "" where there is none."""
    file = RunFolder(folder).tokenizer
    with reading(file, run=folder):
        content = file.read_text(encoding="utf-8") if file.is_file() else ""
    return content if is_published(content) else ""


def _is_run_on_text(folder: Path) -> bool:
    place = RunFolder(folder)
    return place.config.exists() and place.tokenizer.exists()


def model_of(where: str | None) -> str | None:
    """The network of the run whose weights are used; None where they are no run's, or it was a custom module."""
    path = None if where is None else Path(where).expanduser()
    if path is None or not path.is_dir() or _published(path) is not None:
        return None
    model = read_config(path).settings.get("model")
    return None if model == CUSTOM_MODULE else model


def with_vocabulary(overrides: Overrides) -> Overrides:
    """The overrides, with `vocabulary_of` where the requested weights have a vocabulary beside them and no setting of tokens is
    given.
    """
    where = overrides.values.get("pretrained")
    chosen = overrides.values.keys() & {"tokenizer", "vocabulary", "vocabulary_of"}
    path = None if where is None or chosen else Path(str(where)).expanduser()
    folder = path if path is None or path.is_dir() else path.parent
    if folder is None or not (_is_run_on_text(folder) or _published_vocabulary(folder)):
        return overrides
    return overrides.having({"vocabulary_of": str(folder)}, overrides.origin.get("pretrained", "typed"))


def advised(recipe: Recipe, given: Mapping[str, Any], *, rows: int) -> Recipe:
    """A recipe for pre-trained weights: the shape they were trained in, a lower rate unless only the head is trained, and
    enough updates for a new head where training rows are few.

    """
    where = given.get("pretrained")
    if where is None:
        return recipe
    settings = {**recipe.settings, **_shape(str(where), recipe.model)}
    if "lr" in settings and given.get("freeze") != "backbone" and not in_parts(recipe.task):
        rate, why = settings["lr"]
        settings["lr"] = (rate / GENTLER, f"a tenth, because the weights are pre-trained; from scratch: {why}")
    return replace(recipe, settings={**settings, **_enough(settings, given, rows)})


def _enough(settings: Mapping[str, Any], given: Mapping[str, Any], rows: int) -> dict[str, tuple[Any, str]]:
    """More epochs, evaluated as often as before, where those of the recipe are only a few updates."""
    if "epochs" not in settings:
        return {}
    batch = given.get("batch_size") or settings.get("batch_size", (FeedConfig.batch_size, ""))[0]
    before, needed = settings["epochs"][0], math.ceil(FEWEST_UPDATES / max(1, rows // batch))
    if needed <= before:
        return {}
    why = f"{FEWEST_UPDATES} updates for the new head, with {rows:,} training rows"
    return {"epochs": (needed, why), "evaluate_every": (max(1.0, needed // before), why)}


def _shape(where: str, model: str) -> dict[str, tuple[Any, str]]:
    """Settings of the network as the weights need them."""
    if where == IMAGENET:
        return {"stem": (IMAGENET, "what the published weights were trained with")}
    if model_of(where) != model:  # None for a module of one's own, which has no settings here
        return {}
    saved = with_new_names(read_config(Path(where).expanduser())).settings
    own = {entry.name for entry in fields(config_class(model))}
    return {name: (value, f"as in {where}") for name, value in saved.items() if name in own}
