"""A run that learns codes of another run instead of inputs (`--latent RUN`): opening that one, and keeping a copy of it.

The copy in the run's folder is what the run uses once it has begun: the folder is whole without the other.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sonde.core.config import TrainConfig
from sonde.core.damaged import anew, read_object
from sonde.core.dataset import Dataset, InputSpec, Rows
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.overrides import Overrides
from sonde.core.reconstruction import LatentSpace
from sonde.core.run_folder import RunFolder, open_run
from sonde.core.seams import abilities_of
from sonde.core.seeds import generator
from sonde.data.feed.normalise import Normalise
from sonde.data.rows import chunks
from sonde.engine.checkpoint import best_folder
from sonde.tasks.latent_code import LatentCode
from sonde.tasks.table import network_input, spec, specs

if TYPE_CHECKING:
    from sonde.run.run import Run

PART = "autoencoder"  # of data.json, and the folder in the run's
KINDS = ("image", "array")
FILES = (
    "config.yaml",
    "schema.json",
    "data.json",
    "plan.json",
    "result.json",
)  # of the copy, beside the best checkpoint
MEASURED = 4096  # training rows by which codes are scaled
AT_ONCE = 256  # rows


@dataclass(frozen=True, kw_only=True)
class Coder:
    """code: of an autoencoder;  run: whose it is;  about: what data.json says of it"""

    code: LatentCode
    run: "Run"
    about: Mapping[str, Any]

    def measure(self, rows: Rows, input: InputSpec, device: torch.device) -> None:
        """Scale the codes by rows that are trained on, drawn always alike."""
        prepare = Normalise(input, device)
        index = torch.randperm(len(rows), generator=generator(0, "sample", 4))[:MEASURED].numpy()
        read = (torch.from_numpy(rows.read(index[part])["input"]) for part in chunks(index, AT_ONCE))
        self.code.measure(prepare({"input": raw})["input"] for raw in read)

    def keep(self, folder: RunFolder) -> dict[str, Any]:
        """Copy the autoencoder into a run's folder; what data.json says of it."""
        source = RunFolder(self.run.folder)
        if source.path.resolve() == folder.autoencoder.resolve():
            return dict(self.about)
        folder.autoencoder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if (source.path / name).exists():
                shutil.copyfile(source.path / name, folder.autoencoder / name)
        if source.code.is_dir():
            shutil.copytree(source.code, folder.autoencoder / source.code.name, dirs_exist_ok=True)
        best = RunFolder(folder.autoencoder).checkpoints / "best"
        shutil.copytree(best_folder(source.checkpoints), best, dirs_exist_ok=True)
        return dict(self.about)

    @property
    def told(self) -> str:
        """What the plan says."""
        about, sizes = (
            self.about,
            [" x ".join(map(str, each)) for each in (self.code.shape, self.run.schema.input.shape)],
        )
        return (
            f"codes of {about['run']} ({about['task']}, weights {about['weights']}): {sizes[0]} numbers for {sizes[1]}"
        )


def named_in(task: str, overrides: Overrides) -> str:
    """The run whose codes a task is asked to learn; "" for none."""
    setting = spec(task).codes_of
    if not setting:
        return ""
    flag, words = f"--{setting.replace('_', '-')}", overrides.leftover
    for word, after in zip(words, (*words, "")[1:], strict=True):
        name, equals, value = word.partition("=")
        if name == flag:
            return value if equals else after
    return str(overrides.values.get(setting) or "")


def as_coded(dataset: Dataset, task: str, overrides: Overrides) -> Dataset:
    """The dataset as a recipe for the task is to see it: with codes for inputs, where those are learned. Raises: ConfigError"""
    values = overrides.values
    named = named_in(task, overrides)
    if not named:
        return dataset
    coder = _opened(
        named, dataset.schema.input, values.get("out"), bool(values.get("fresh")), bool(values.get("trust_code"))
    )
    schema = replace(dataset.schema, input=network_input(task, dataset.schema.input, coder.code))
    return replace(dataset, schema=schema)


def coder_for(config: TrainConfig, input: InputSpec) -> Coder | None:
    """What makes the codes that a run learns, its scale not yet measured; None where it learns inputs.

    Raises: ConfigError for a run that has no such codes, or of other inputs; RunFolderError for a copy that is not the run's
    """
    setting = spec(config.task).codes_of
    named = str(getattr(config.task_config, setting)) if setting else ""
    if not named:
        return None
    place = config.place
    return _opened(named, input, place.out, place.fresh, place.trust_code)


def kept_coder(folder: RunFolder, input: InputSpec, *, trust_code: bool = False) -> Coder | None:
    """That of a run, from the copy in its folder; None of a run that learned inputs. Raises: RunFolderError"""
    about = read_object(folder.data, run=folder.path).get(PART) if folder.data.exists() else None
    if not isinstance(about, Mapping):
        return None
    from sonde.run.judge import weights_hash
    from sonde.run.run import Run

    way = f"restore it, or {anew(folder.path)}"
    if not folder.autoencoder.is_dir():
        raise RunFolderError(f"{folder.autoencoder}, whose codes this run learned, is gone; {way}")
    run = Run(open_run(folder.autoencoder), trust_code=trust_code)
    if weights_hash(run) != about.get("weights"):
        raise RunFolderError(f"{folder.autoencoder} is another autoencoder than this run learned codes of; {way}")
    space = _space(run, str(folder.autoencoder))
    return Coder(code=LatentCode(space, run.task.modules, input, run.schema.input), run=run, about=about)


def _opened(named: str, input: InputSpec, out: str | Path | None, fresh: bool, trust_code: bool) -> Coder:
    begun = None if out is None or fresh else RunFolder(Path(out))
    if begun is not None and begun.data.exists() and (kept := kept_coder(begun, input, trust_code=trust_code)):
        return kept
    from sonde.run.judge import weights_hash
    from sonde.run.run import Run

    run = Run(open_run(named), trust_code=trust_code)
    space = _space(run, named)
    _check_input(run.schema.input, input, f"--latent {named}")
    code = LatentCode(space, run.task.modules, input, run.schema.input)
    about = {
        "run": named,
        "task": run.spec.name,
        "weights": weights_hash(run),
        "shape": list(space.shape),
    }
    return Coder(code=code, run=run, about=about)


def _space(run: "Run", named: str) -> LatentSpace:
    """Raises: ConfigError for a run whose codes cannot be learned"""
    able = [each.name for each in specs() if each.encodes]
    if run.spec.name not in able:
        raise ConfigError(
            f"--latent {named} is a run of task {run.spec.name}, and codes are those of {' or '.join(able)}; train one on "
            "these data"
        )
    if not RunFolder(run.folder).result.exists():
        raise ConfigError(f"--latent {named} is not finished; resume it with: sonde resume {named}")
    back = abilities_of(run.task).reconstruction
    assert back is not None
    assert back.space is not None
    return back.space


def _check_input(trained: InputSpec, given: InputSpec, place: str) -> None:
    """Raises: ConfigError for an autoencoder of other inputs"""
    if given.kind not in KINDS:
        raise ConfigError(
            f"{place}: codes are learned of images and arrays, and these data are of kind {given.kind}; leave it out"
        )
    one, other = ((each.kind, each.shape, each.columns, each.extra) for each in (trained, given))
    if one != other:
        sizes = [f"{each.kind} of {'x'.join(map(str, each.shape))}" for each in (trained, given)]
        how = "prepared in another way" if sizes[0] == sizes[1] else sizes[1]
        raise ConfigError(
            f"{place} was trained on {sizes[0]}, and these data are {how}; train one on these data: sonde train DATA --task vae"
        )
