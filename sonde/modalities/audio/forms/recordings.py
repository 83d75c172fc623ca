"""Recordings: folders of sound files by class, files whose names say what they are, or a manifest with transcripts.

seven/a.wav   nine/b.flac                          a folder a class, below train/, test/ or not
7_theo_0.wav  with --labels '{label}_{speaker}_{take}'
train.csv     with columns file and transcript (or label), beside or above the files; .tsv and .jsonl too
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Fact, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError, DataError, nearest
from sonde.core.natural_order import in_natural_order
from sonde.core.progress import Tick, silent
from sonde.core.vocabulary import END, characters_of, read_vocabulary
from sonde.data.assemble import About
from sonde.data.listing import Listing
from sonde.data.name_parts import check_known, spelled
from sonde.data.ragged import Ragged, end_to_end
from sonde.data.splits import ORDER, held_back_facts, share_out, sizes_in_words, subset, thinned
from sonde.data.targets import first_few, listed
from sonde.modalities.audio.clips import TASKS, clips, cut
from sonde.modalities.audio.config import AudioConfig
from sonde.modalities.audio.corpora import SCRIPT
from sonde.modalities.audio.files import (
    CLIPPED,
    SILENT,
    Decoded,
    Header,
    can_be_read,
    decode,
    read_header,
    usual_rate,
)
from sonde.modalities.audio.parts import not_too_long, part_of
from sonde.modalities.audio.recordings import RECOGNITION, Recordings, find_recordings, manifests_in, sounds_below
from sonde.modalities.audio.waveforms import Waveforms
from sonde.modalities.catalogue import check_kind
from sonde.modalities.modality import Wanted
from sonde.modalities.table.config import TableConfig

NAMED = 3  # names of files in a warning


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a place holds recordings, None if it does not."""
    if manifests := manifests_in(listing):
        return f"{' and '.join(file.name for file in manifests.values())} names recordings"
    if count := len(sounds_below(listing)):
        return f"{count:,} sound files"
    script = next((name for name in listing.below if Path(name).name == SCRIPT), None)  # of sounds that lie elsewhere
    return f"{script} names recordings (Kaldi)" if script else None


def read(
    listing: Listing, config: DataConfig, *, task: str | None = None, tick: Tick = silent, like: Schema | None = None
) -> Dataset:
    """All recordings in memory, at the rate that most of them have, with labels or transcripts.

    Raises: DataError for files that cannot be read, labels and transcripts that are missing or not known; ConfigError
    """
    settings = config.of(AudioConfig)
    path = listing.path
    check_kind("audio", str(path), like)
    if like is not None:
        task = RECOGNITION if like.target.kind == "tokens" else "classification"
    found = find_recordings(listing, config, task=task, evaluating=like is not None)
    headers, found, warnings = _headers(found, skip=config.skip_unreadable, tick=tick)
    most = settings.max_seconds if like is None else max(settings.max_seconds, like.input.shape[0] / like.input.rate)
    headers, found, shortened = not_too_long(headers, found, most, training=like is None)
    warnings += shortened
    rate = usual_rate(list(headers)) if like is None else like.input.rate
    decoded, headers, found, unread = _decoded(headers, found, rate, skip=config.skip_unreadable, tick=tick)
    warnings += unread
    truths = [recording.truth for recording in found.recordings]
    if like is None:
        check_known(truths, settings.label_names)
    truths = spelled(truths, settings.label_names)
    files = _files(found)
    indices, facts = _splits(path, found, truths, config, like)
    target, truth_fact, more = _target(path, found, truths, indices["train" if like is None else "test"], like)
    names = [recording.label for recording in found.recordings]
    ragged, fixed = _fields(truths, target, names)
    rows = Waveforms(samples=decoded.samples, names=names, ragged=ragged, fixed=fixed)
    splits = {split: subset(rows, places) for split, places in indices.items()}
    input, clip_facts = _input(rows, indices, rate, settings, task, like)
    if input.is_clip:
        warnings += cut(rows, input.shape[0], rate, training=like is None)
    tick("hashing files", 0, 0)
    about = About.at(
        listing,
        form="recordings",
        why=found.why,
        files=[*dict.fromkeys(files), *manifests_in(listing).values(), *found.files],
        root=found.root,
        facts=[
            _size_fact(decoded, rate, found),
            *_changed(headers, rate),
            truth_fact,
            *found.facts,
            *facts,
            *clip_facts,
        ],
        warnings=[*warnings, *found.warnings, *_odd(decoded, found), *more],
    )
    suggestion = RECOGNITION if target.kind == "tokens" else "classification"
    dataset = about.dataset(Schema(input=input, target=target), splits, suggestion=suggestion)
    return thinned(dataset, config) if like is None else dataset


def _input(
    rows: Waveforms,
    indices: Mapping[str, np.ndarray],
    rate: int,
    settings: AudioConfig,
    task: str | None,
    like: Schema | None,
) -> tuple[InputSpec, list[Fact]]:
    """What a network is fed: recordings as long as they are, or clips. Raises: ConfigError for a setting that is of no use"""
    if like is not None:
        return like.input, []
    if task in TASKS:
        return clips(rows, indices["train"], rate, settings.clip_seconds)
    if settings.clip_seconds:
        raise ConfigError(
            "--clip-seconds is for tasks that make sound or encode it; leave it out, or cut recordings by --max-seconds"
        )
    return InputSpec(kind="audio", shape=(int(rows.lengths().max()),), rate=rate), []


def _headers(found: Recordings, *, skip: bool, tick: Tick) -> tuple[Sequence[Header], Recordings, list[str]]:
    """Of each recording; those that cannot be read are left out where that is set, and counted.

    Raises: DataError
    """
    headers, readable, unread = [], [], []
    once = cache(read_header)
    for number, recording in enumerate(found.recordings, start=1):
        try:
            headers.append(part_of(once(found.root / recording.name), recording, found.root))
            readable.append(recording)
        except DataError as error:
            if not skip:
                raise DataError(f"{error}; --skip-unreadable skips such files") from None
            unread.append(recording.label)
        tick("reading headers", number, len(found.recordings))
    if not readable:
        raise DataError(f"{found.root}: none of {len(unread):,} recordings can be read")
    warnings = _skipped(unread)
    cut = [recording.label for header, recording in zip(headers, readable, strict=True) if header.cut_off]
    if cut:
        warnings.append(
            f"{_counted(len(cut))} cut off: the header states more samples than the file holds, and what there is is read: "
            f"{first_few(cut, NAMED)}"
        )
    return headers, replace(found, recordings=readable), warnings


def _decoded(
    headers: Sequence[Header], found: Recordings, rate: int, *, skip: bool, tick: Tick
) -> tuple[Decoded, Sequence[Header], Recordings, list[str]]:
    """All recordings, those whose samples cannot be read left out where that is set, and counted. Raises: DataError"""
    try:
        return decode(_files(found), headers, rate, tick=tick), headers, found, []
    except DataError as error:
        if not skip:
            raise DataError(f"{error}; --skip-unreadable skips such files") from None
    rows = [
        row for row, (file, header) in enumerate(zip(_files(found), headers, strict=True)) if can_be_read(file, header)
    ]
    unread = [recording.label for row, recording in enumerate(found.recordings) if row not in set(rows)]
    if not rows:
        raise DataError(f"{found.root}: none of {len(unread):,} recordings can be read")
    kept = replace(found, recordings=[found.recordings[row] for row in rows])
    left = [headers[row] for row in rows]
    return decode(_files(kept), left, rate, tick=tick), left, kept, _skipped(unread)


def _files(found: Recordings) -> list[Path]:
    return [found.root / recording.name for recording in found.recordings]


def _skipped(unread: Sequence[str]) -> list[str]:
    verb = "is" if len(unread) == 1 else "are"
    named = first_few(list(unread), NAMED)
    return [f"{_counted(len(unread))} cannot be read and {verb} skipped: {named}"] if unread else []


def _splits(
    path: Path, found: Recordings, truths: Sequence[str], config: DataConfig, like: Schema | None
) -> tuple[dict[str, np.ndarray], list[Fact]]:
    """Rows of each split: those that the data brings, the others drawn from train. Raises: DataError, ConfigError"""
    settings = config.of(TableConfig)
    split_of = np.array([recording.split for recording in found.recordings])
    brought = {split: np.flatnonzero(split_of == split) for split in ORDER if (split_of == split).any()}
    if like is not None:
        return ({"test": brought["train"]} if list(brought) == ["train"] else brought), []
    if "train" not in brought:
        raise DataError(f"{path} holds no recordings to train on, only {' and '.join(brought)}; add some")
    ours = brought["train"]
    groups = _groups(found, ours, settings.group)
    labels = None if found.spoken else np.unique(np.array(truths)[ours], return_inverse=True)[1]
    drawn = share_out(len(ours), brought, config, labels=labels, groups=groups)
    indices = {**brought, **{split: ours[rows] for split, rows in drawn.items() if len(rows)}}
    held = [split for split in ("validation", "test") if split not in brought and split in indices]
    sizes = {split: len(indices[split]) for split in held}
    facts = held_back_facts(sizes, held, stratified=labels is not None and groups is None)
    if groups is not None and held:
        facts.append(Fact(f"no {settings.group} is in more than one split", f"--group {settings.group}"))
    return indices, facts


def _groups(found: Recordings, rows: np.ndarray, name: str | None) -> np.ndarray | None:
    if name is None:
        return None
    known = found.recordings[0].parts
    if name not in known:
        raise ConfigError(
            f"--group {name}: the recordings have no part of that name; there are {', '.join(sorted(known)) or 'none'}"
        )
    return np.array([found.recordings[row].parts.get(name, "") for row in rows])


def _target(
    path: Path, found: Recordings, truths: Sequence[str], train: np.ndarray, like: Schema | None
) -> tuple[TargetSpec, Fact, list[str]]:
    """What is to be predicted, how that is known, and warnings. Raises: DataError"""
    if found.spoken:
        return _transcripts(truths, train, like)
    names = in_natural_order(set(truths)) if like is None else list(like.target.names)
    if len(names) < 2:
        raise DataError(f"{path} has recordings of one class only ({names[0]}); a classifier needs two or more")
    seen = {truths[row] for row in train}
    absent = [name for name in names if name not in seen] if like is None else []
    warnings = [f"no training recording has the class {listed(absent)}"] if absent else []
    fact = Fact(f"{len(names)} classes: {listed(names)}", found.why)
    return TargetSpec(kind="class", names=tuple(names)), fact, warnings


def _transcripts(truths: Sequence[str], train: np.ndarray, like: Schema | None) -> tuple[TargetSpec, Fact, list[str]]:
    if like is not None:
        return like.target, Fact("transcripts preprocessed as in training", "characters of its vocabulary"), []
    transcripts = [truths[int(row)] for row in train]
    vocabulary = characters_of(transcripts)
    strange = sorted(set("".join(truths)) - set(vocabulary.symbols))
    words = len({word for text in transcripts for word in text.split()})
    warnings = [f"no training transcript has the character {listed(strange)}"] if strange else []
    spec = TargetSpec(kind="tokens", names=(), tokenizer=vocabulary.to_json(), symbols=vocabulary.size)
    what = f"transcripts with {len(vocabulary.symbols)} distinct characters and {words:,} distinct words"
    return spec, Fact(what, "case and punctuation are kept"), warnings


def _fields(
    truths: Sequence[str], target: TargetSpec, names: Sequence[str]
) -> tuple[Mapping[str, Ragged], Mapping[str, np.ndarray]]:
    """The targets of all recordings, as fields that differ in length or do not. Raises: DataError for an unknown class"""
    if target.kind == "tokens":
        vocabulary = read_vocabulary(target.tokenizer)
        return {"target": end_to_end([[*ids, END] for ids in vocabulary.encode_all(truths)])}, {}
    places = {name: place for place, name in enumerate(target.names)}
    strange = next((row for row, truth in enumerate(truths) if truth not in places), None)
    if strange is not None:
        near = nearest(truths[strange], target.names, count=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {listed(target.names)}"
        raise DataError(f"{names[strange]} is of class {truths[strange]!r}, which the model was not trained on; {hint}")
    return {}, {"target": np.array([places[truth] for truth in truths], dtype=np.int64)}


def _size_fact(decoded: Decoded, rate: int, found: Recordings) -> Fact:
    """ "660 recordings, 288 s in all, 0.14 to 2.28 s each, 8 kHz"."""
    seconds = decoded.samples.lengths() / rate
    total = seconds.sum()
    whole = f"{total / 3600:.1f} h" if total >= 7200 else f"{total / 60:.0f} min" if total >= 600 else f"{total:.0f} s"
    parts = {split: [r for r in found.recordings if r.split == split] for split in ORDER}
    counts = sizes_in_words({split: part for split, part in parts.items() if part})
    each = f"{seconds.min():.2f} to {seconds.max():.2f} s each"
    return Fact(f"{counts} recordings, {whole} in all, {each}, {rate / 1000:g} kHz", f"sound files: {found.why}")


def _changed(headers: Sequence[Header], rate: int) -> list[Fact]:
    """What was converted: sampling rates and channels."""
    facts = []
    others = sorted({header.rate for header in headers} - {rate})
    if others:
        count = sum(header.rate != rate for header in headers)
        rates = ", ".join(f"{other / 1000:g}" for other in others)
        facts.append(Fact(f"{_counted(count)} of {rates} kHz resampled to {rate / 1000:g} kHz", "most have that rate"))
    if count := sum(header.channels > 1 for header in headers):
        facts.append(Fact(f"{_counted(count)} of several channels mixed to mono", "the mean of the channels"))
    return facts


def _odd(decoded: Decoded, found: Recordings) -> list[str]:
    """Warnings of recordings that are clipped or silent."""
    names = np.array([recording.label for recording in found.recordings])
    clipped, mute = names[decoded.clipped >= CLIPPED].tolist(), names[decoded.peaks < SILENT].tolist()
    warnings = []
    if len(clipped):
        worst = float(decoded.clipped.max())
        warnings.append(
            f"{_counted(len(clipped))} clipped ({CLIPPED:.1%} or more of the samples are at full scale, at most "
            f"{worst:.1%}): {first_few(clipped, NAMED)}"
        )
    if len(mute):
        warnings.append(f"{_counted(len(mute))} silent: {first_few(mute, NAMED)}")
    return warnings


def _counted(number: int) -> str:
    """ "1 recording", "3 recordings"."""
    return f"{number:,} recording{'s' * (number != 1)}"
