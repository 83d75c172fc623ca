"""From what a form found to a dataset: targets encoded, rows held back, statistics fitted on the training rows alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.data import fingerprint
from sonde.data.listing import Listing
from sonde.data.rows import InputRows, Inputs
from sonde.data.splits import drawn_from_train, for_evaluation, hold_back, in_order, labels_of, sizes_in_words
from sonde.data.targets import RawTarget, TargetKind, by_name, doubts, encode, infer, standardised

LISTED_ABSENT = 8


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split as it was found."""

    inputs: Inputs
    target: RawTarget


@dataclass(frozen=True, kw_only=True)
class About:
    """What a form says of the data besides their rows; the fields are `Dataset`'s.

    class_names: where the source has them and targets are places among them
    outputs: names of several outputs, where the source has them
    groups:  (n,) of the training rows: those of one group stay together when rows are held back
    """

    name: str
    source: str
    form: str
    why: str  # the files or arguments that were read
    class_names: Sequence[str] = ()
    outputs: Sequence[str] = ()
    groups: np.ndarray | None = None
    facts: Sequence[Fact] = ()
    warnings: Sequence[str] = ()
    fingerprint: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def at(
        listing: Listing,
        *,
        form: str,
        why: str,
        files: Sequence[Path],
        name: str = "",
        root: Path | None = None,
        **more: Any,
    ) -> "About":
        """Of what was read at a place.

        files: all that were read, by which the data are known again; their names are relative to `root`, by default the folder
        name:  by default the folder's, or the file's without its ending;  more: other fields
        """
        path = listing.path.resolve()
        folder = root or (listing.path.parent if listing.is_file else listing.path)
        return About(
            name=name or (path.stem if listing.is_file else path.name),
            source=str(path),
            form=form,
            why=why,
            fingerprint=fingerprint.of_files(files, folder),
            **more,
        )

    def dataset(
        self,
        schema: Schema,
        splits: Mapping[str, Rows],
        facts: Sequence[Fact] = (),
        warnings: Sequence[str] = (),
        **more: Any,
    ) -> Dataset:
        """The dataset; `facts` and `warnings` follow those of the form, `more` says other fields of it."""
        about = {"name": self.name, "source": self.source, "form": self.form, "fingerprint": self.fingerprint}
        facts, warnings = [*self.facts, *facts], [*self.warnings, *warnings]
        return Dataset(**{**about, **more}, schema=schema, splits=in_order(splits), facts=facts, warnings=warnings)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a form read.

    what:    in words: "images, 28x28 grey"
    shape:   of one input: (channels, height, width) or (features,)
    fit:     (inputs, training rows) -> the input's spec, fitted on those rows alone
    scaled:  (inputs, spec) -> the inputs by what was fitted
    outputs: names of several outputs, where they are given
    """

    about: About
    what: str
    shape: tuple[int, ...]
    parts: Mapping[str, Part]
    fit: Callable[[Inputs, np.ndarray], InputSpec]
    scaled: Callable[[Inputs, InputSpec], Inputs] = lambda inputs, spec: inputs
    outputs: tuple[str, ...] = ()


def assemble(
    found: Found,
    config: DataConfig,
    *,
    kind: TargetKind | None = None,
    task: str | None = None,
    one_class: bool = False,
    like: Schema | None = None,
) -> Dataset:
    """A dataset whose schema is fitted on its training rows, or is `like` a trained model's.

    With `like` nothing is held back, and rows without a split of their own are the test split.
    kind, task, one_class: what targets are taken for, the task that asks for it, and what is enough for it, as in `infer`

    Raises: DataError for inputs and targets that do not fit each other, the task or the model
    """
    _check_lengths(found.parts)
    if like is not None:
        return _assemble_like(found, like)
    raw = {split: part.target for split, part in found.parts.items()}
    spec, target_fact = infer(
        raw, kind=kind, task=task, one_class=one_class, names=found.about.class_names, columns=found.outputs
    )
    labels = encode(raw["train"], spec)["target"] if spec.has_classes else None
    count = len(found.parts["train"].inputs)
    called = f"{found.about.source} has {count} training rows"
    indices, facts = hold_back(count, found.parts, config, called=called, labels=labels, groups=found.about.groups)
    spec = standardised(spec, raw["train"], indices["train"])
    inputs = {split: part.inputs for split, part in found.parts.items()}
    input_spec = found.fit(inputs["train"], indices["train"])
    parts = {split: found.scaled(each, input_spec) for split, each in inputs.items()}
    whole = {split: InputRows(parts[split], encode(raw[split], spec)) for split in found.parts}
    splits = drawn_from_train(whole, indices)
    facts = [size_fact(found), target_fact, *found.about.facts, *facts]
    about, schema = replace(found.about, facts=facts), Schema(input=input_spec, target=spec)
    return about.dataset(
        schema,
        splits,
        warnings=[*([] if one_class else _absent_classes(splits, spec)), *doubts(raw["train"], spec, kind=kind)],
    )


def size_fact(found: Found) -> Fact:
    """ "60,000 train + 10,000 test images, 28x28 grey", and what was read."""
    counts = sizes_in_words({split: part.inputs for split, part in found.parts.items()})
    return Fact(f"{counts} {found.what}", f"{found.about.form}: {found.about.why}")


def _assemble_like(found: Found, like: Schema) -> Dataset:
    if found.shape != like.input.shape:
        raise DataError(f"{found.about.source} has inputs of shape {found.shape}; the model takes {like.input.shape}")
    splits: dict[str, Rows] = {
        split: InputRows(
            found.scaled(part.inputs, like.input),
            encode(by_name(part.target, found.about.class_names, like.target), like.target),
        )
        for split, part in for_evaluation(found.parts).items()
    }
    facts = [size_fact(found), Fact("preprocessed as in training", "image size, classes and scaling of the model")]
    return replace(found.about, facts=facts).dataset(like, splits)


def _check_lengths(parts: Mapping[str, Part]) -> None:
    for split, part in parts.items():
        inputs, targets = len(part.inputs), len(part.target.values)
        if inputs != targets:
            raise DataError(
                f"{split}: {inputs:,} inputs, but {targets:,} targets in {part.target.place}; each input needs one"
            )
        if inputs == 0:
            raise DataError(f"{split}: there are no rows; leave the split out or fill it")


def _absent_classes(splits: Mapping[str, Rows], spec: TargetSpec) -> list[str]:
    """A warning for classes without any training row."""
    train = splits["train"]
    if not spec.has_classes:
        return []
    counts = np.bincount(labels_of(train), minlength=len(spec.names))
    absent = [name for name, number in zip(spec.names, counts, strict=True) if number == 0]
    return [f"no training row has the class {', '.join(absent[:LISTED_ABSENT])}"] if absent else []
