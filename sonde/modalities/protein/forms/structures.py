"""Folders of protein structures: PDB or mmCIF files, all in one folder or in a folder for each split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sonde.core.catalogue import load
from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Rows, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.core.units import counted
from sonde.core.vocabulary import PAD
from sonde.data.assemble import About
from sonde.data.listing import Listing, split_folders
from sonde.data.ragged import RaggedRows, end_to_end
from sonde.data.splits import drawn_from_train, held_back_facts, share_out, thinned
from sonde.data.targets import first_few
from sonde.modalities.catalogue import check_kind
from sonde.modalities.fasta import read_records, sequence_suffix
from sonde.modalities.modality import Wanted
from sonde.modalities.protein.codes import OTHER, bin_names, residues
from sonde.modalities.protein.structures import (
    Chain,
    families,
    family_of,
    is_structure,
    modified_in_words,
    read_chains,
    structures_below,
    structures_in,
)
from sonde.tasks.spec import TargetRows
from sonde.tasks.table import for_target
from sonde.tasks.table import spec as task_spec
from sonde.tasks.table import specs as task_specs

# tasks whose targets are made here: distances from residues, and residues from backbones; others bring theirs (`TaskSpec.reads`)
DISTANCES, RESIDUES = "structure", "inverse-folding"
WORDS: Mapping[str, str] = {
    DISTANCES: "distances between residues from the residues",
    RESIDUES: "residues from backbones",
}
LISTED = 3  # names in a warning


@dataclass(frozen=True)
class DistanceRows:
    """Residues and the distances between them (`sonde.data.rows.Sequences`).

    rows: with input (tokens) and `coordinates` (residues, 3) of the alpha carbons in ångström
    """

    rows: RaggedRows

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """input (n, R), coordinates (n, R, 3), and target (n, R, R): distances in ångström, 0 where a residue is missing."""
        found = self.rows.read(indices)
        places, there = found["coordinates"], found["input"] != PAD
        apart = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
        both = there[:, :, None] & there[:, None]
        return {**found, "target": np.where(both, apart, 0).astype(np.float32)}

    def describe(self, index: int) -> str:
        """Which chain it is."""
        return self.rows.describe(index)

    def nbytes(self) -> int:
        """Bytes of residues and coordinates."""
        return self.rows.nbytes()

    def lengths(self) -> np.ndarray:
        """(n,) int64, residues of each."""
        return self.rows.lengths()

    def targets(self) -> np.ndarray:
        """(n, R, R) of all rows."""
        return self.read(np.arange(len(self)))["target"]


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds protein structures, None if it does not."""
    if files := structures_in(listing):
        return f"{len(files):,} files of structures, such as {files[0].name}"
    splits = split_folders(listing)
    if "train" in splits and structures_in(splits["train"]):
        return f"files of structures in {', '.join(folder.name for folder in splits.values())}"
    if "train" not in splits and (files := structures_below(listing)):
        return f"{len(files):,} files of structures below, such as {files[0].relative_to(listing.path)}"
    return None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """Chains as rows: residues in and distances or angles out, or for inverse folding backbones in and residues out.

    Raises: DataError for files that cannot be read, and for data of another kind than a model's
    """
    path = listing.path
    check_kind("protein", str(path), like)
    if like is not None:
        task = _task_of(like)
    elif task != RESIDUES and (not task or _target_of(task) is None):
        task = DISTANCES  # also for a task that is not one of proteins
    folders = {"train" if like is None else "test": listing}
    by_split = {split: folder for split, folder in split_folders(listing).items() if structures_in(folder)}
    if by_split and not structures_in(listing):
        folders = by_split
    files = {split: structures_in(folder) or structures_below(folder) for split, folder in folders.items()}
    chains, warnings = _chains(files, config, tick)
    known = {name: family for folder in (listing, *folders.values()) for name, family in families(folder.path).items()}
    splits, split_facts = _split(chains, known, config, like, task=task)
    schema = like or _schema([len(chain.letters) for found in chains.values() for chain in found], task=task)
    everything = [file for found in files.values() for file in found]
    about = About.at(listing, form="protein structures", why=path.name, files=everything, warnings=warnings)
    dataset = about.dataset(schema, splits, [*_facts(chains, files, task=task), *split_facts], suggestion=task)
    return dataset if like is not None else thinned(dataset, config)


def rows_to_predict(inputs: Any, schema: Schema, tick: Tick = silent) -> tuple[Rows, list[str]]:
    """Chains without what is to be predicted of them, and their names.

    inputs: files or folders of structures, FASTA files or residues as letters (not where backbones are needed), or a list
    Raises: DataError naming what cannot be read
    """
    task = _task_of(schema)
    inverse = task == RESIDUES
    chains: list[Chain] = []
    for item in [inputs] if isinstance(inputs, str | Path) else list(inputs):
        path = Path(item).expanduser()
        if path.is_dir() or is_structure(path):
            files = structures_in(Listing(path)) or structures_below(Listing(path)) if path.is_dir() else [path]
            chains += [chain for file in files for chain in read_chains(file)]
        elif inverse or path.suffix:
            if inverse or not sequence_suffix(path) or not path.is_file():
                wanted = "a PDB or mmCIF file" if inverse else "a PDB, mmCIF or FASTA file, or residues as letters"
                raise DataError(f"{item} is not {wanted}, or is not there; give one")
            chains += [_bare(record.name, record.letters) for record in read_records(path)]
        else:
            chains.append(_bare(str(item)[:40], str(item)))
    if not chains:
        raise DataError("there is nothing to predict on: no structure was found")
    return _ragged(chains, task=task, known=False), [chain.name for chain in chains]


def _bare(name: str, letters: str) -> Chain:
    """A chain of which only the residues are known. Raises: DataError for what are no letters."""
    plain = letters.strip().upper()
    if not plain.isascii() or not plain.isalpha():
        raise DataError(f"{name}: residues are written as letters such as MKTAYIAK, got {letters[:40]!r}")
    return Chain(name, plain, np.zeros((len(plain), 4, 3), np.float32), 0, 0)


def _chains(
    files: Mapping[str, Sequence[Path]], config: DataConfig, tick: Tick
) -> tuple[dict[str, list[Chain]], list[str]]:
    """Chains of each split, and warnings for what is missing in them."""
    found: dict[str, list[Chain]] = {}
    unreadable: list[str] = []
    total = sum(map(len, files.values()))
    for split, ours in files.items():
        found[split] = []
        for file in ours:
            tick("reading structures", sum(map(len, found.values())), total)
            try:
                found[split] += read_chains(file)
            except DataError:
                if not config.skip_unreadable:
                    raise
                unreadable.append(file.name)
        if not found[split]:
            raise DataError(f"none of the {len(ours):,} files for {split} holds a protein chain; check them")
    warnings = []
    if unreadable:
        what = "files" if len(unreadable) != 1 else "file"
        warnings.append(f"{len(unreadable):,} unreadable {what} skipped, such as {unreadable[0]}")
    return found, [*warnings, *_odd([chain for chains in found.values() for chain in chains])]


def _odd(chains: Sequence[Chain]) -> list[str]:
    """Warnings of residues that are dropped, missing, or read as something else."""
    bare, broken = [chain for chain in chains if chain.bare], [chain for chain in chains if chain.breaks]
    warnings = []
    if several := [chain for chain in chains if chain.models > 1]:
        named = ", ".join(chain.name for chain in several[:LISTED]) + " …" * (len(several) > LISTED)
        stand = counted(len(several), "chain occurs", "chains occur")
        warnings.append(f"{stand} in several models (NMR), of which the first is read: {named}")
    if bare:
        count = sum(chain.bare for chain in bare)
        what = "residues" if count != 1 else "residue"
        warnings.append(f"{count:,} {what} without a complete backbone dropped, in {_named(bare)}")
    if broken:
        count = sum(chain.breaks for chain in broken)
        warnings.append(f"{count:,} break{'s' * (count != 1)}, where residues are missing, in {_named(broken)}")
    as_parents, unknown = modified_in_words(chains)
    if as_parents:
        warnings.append(f"modified residues read as their parents: {as_parents}")
    if unknown:
        warnings.append(f"residues of other kinds read as {OTHER}: {unknown}")
    return warnings


def _split(
    chains: Mapping[str, Sequence[Chain]],
    known: Mapping[str, str],
    config: DataConfig,
    like: Schema | None,
    *,
    task: str,
) -> tuple[dict[str, Rows], list[Fact]]:
    """Rows of each split; chains of one family stay together where they are held back."""
    whole = {split: _ragged(found, task=task, known=True) for split, found in chains.items()}
    if like is not None:
        return whole, []
    train = chains["train"]
    groups = np.array([family_of(chain, dict(known)) for chain in train])
    held = share_out(len(train), chains, config, groups=groups)
    splits = drawn_from_train(whole, held)
    sizes = {split: len(rows) for split, rows in splits.items()}
    facts = held_back_facts(sizes, [split for split in held if split != "train"], stratified=False)
    if len(held) > 1:
        why = "from the domain table" if known else "identical sequences are one family"
        facts.append(Fact(f"{len(set(groups)):,} families, each in one split", why))
    return splits, facts


def _ragged(chains: Sequence[Chain], *, task: str, known: bool) -> Rows:
    """known: whether what is to be predicted is, too."""
    tokens = [residues().encode(chain.letters) for chain in chains]
    tokens = [np.where(np.array(row) < residues().encode("A")[0], residues().encode(OTHER)[0], row) for row in tokens]
    names = [chain.name for chain in chains]
    if task != RESIDUES:
        ragged = {"input": end_to_end(tokens)}
        if not known:
            return RaggedRows(ragged=ragged, names=names)
        if (target := _target_of(task)) is not None:
            rows = end_to_end(target(chains).rows, np.float32)
            return RaggedRows(ragged={**ragged, "target": rows}, names=names)
        places = end_to_end([chain.backbone[:, 1] for chain in chains], np.float32)
        return DistanceRows(RaggedRows(ragged={**ragged, "coordinates": places}, names=names))
    ragged = {"input": end_to_end([chain.backbone for chain in chains], np.float32)}
    if known:
        other = residues().encode(OTHER)[0]
        ragged["target"] = end_to_end([np.where(row == other, PAD, row) for row in tokens])
    return RaggedRows(ragged=ragged, names=names, with_lengths=True)


def _schema(lengths: Sequence[int], *, task: str) -> Schema:
    letters, longest = residues(), (max(lengths),)
    if task == RESIDUES:
        target = TargetSpec(kind="residues", names=letters.symbols, tokenizer=letters.to_json(), symbols=letters.size)
        return Schema(input=InputSpec(kind="protein", shape=longest), target=target)
    spec = InputSpec(kind="protein", shape=longest, tokenizer=letters.to_json(), symbols=letters.size)
    own = _target_of(task)
    target = own([]).spec if own is not None else TargetSpec(kind="distances", names=bin_names())
    return Schema(input=spec, target=target)


def _task_of(schema: Schema) -> str:
    """The task of a model of this kind of data. Raises: DataError for one of another kind."""
    task = for_target(schema.target)
    if task not in WORDS and _target_of(task) is None:
        raise DataError(f"a model with targets of kind {schema.target.kind} cannot predict on protein structures")
    return task


def _target_of(task: str) -> Callable[[Sequence[Chain]], TargetRows] | None:
    """What makes the targets of a task that brings its own."""
    where = task_spec(task).reads.get("protein")
    return load(where) if where else None


def _alternatives() -> str:
    """The tasks besides the first that such files serve, and what each predicts."""
    own = {one.name: load(one.reads["protein"])([]).words for one in task_specs() if "protein" in one.reads}
    return ", ".join(f"with --task {task} {words}" for task, words in {**own, RESIDUES: WORDS[RESIDUES]}.items())


def _facts(chains: Mapping[str, Sequence[Chain]], files: Mapping[str, Sequence[Path]], *, task: str) -> list[Fact]:
    lengths = [len(chain.letters) for found in chains.values() for chain in found]
    count = sum(map(len, files.values()))
    what = f"{len(lengths):,} protein chains of {min(lengths)} to {max(lengths)} residues"
    own = _target_of(task)
    words = own([]).words if own is not None else WORDS[task]
    why = f"the coordinates are known; {_alternatives()}" if task == DISTANCES else "the coordinates are known"
    return [Fact(what, f"{count:,} files of structures"), Fact(words, why)]


def _named(chains: Sequence[Chain]) -> str:
    return first_few([chain.name for chain in chains], LISTED)
