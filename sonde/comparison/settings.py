"""Which settings runs differ by, and which of them are trainings of the same settings that only chance tells apart."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from sonde.comparison.members import Member, clipped
from sonde.comparison.own_code import code_differing, code_hashes
from sonde.core.bounds import flag
from sonde.core.units import ABSENT

ASIDE = frozenset(["out", "quiet", "debug", "fresh", "log", "trust_code"])
"""Settings that say where a run is written and what is shown of it."""
CARRIED_OUT = frozenset(
    ["threads", "workers", "device", "feed", "memory", "doctor", "silence", "checkpoint_every", "log_every"]
)
"""Settings that say how a run is carried out and looked at, and leave its result as it is."""
SEED = "seed"
MOST = 24  # settings that are shown
TEXT = 60  # characters of a value
CODE = 120  # characters of what tells networks apart


def same_but_for_chance(member: Member) -> Hashable:
    """Equal for runs of the same task, data, settings and code of one's own, whatever their seed."""
    settings = member.settings
    kept = {name: settings[name] for name in settings if name not in ASIDE | CARRIED_OUT | {SEED}}
    listed = str(sorted(kept.items(), key=lambda item: str(item[0])))
    return member.task, member.model, member.data, member.log, listed, code_hashes(member)


def differing(members: Sequence[Member]) -> list[tuple[str, list[str]]]:
    """(flag, its value in each run as text) of settings that are not the same in all runs, those that somebody typed first.

    One that only some of the runs have (of another model) is left out where it stands at its default.
    """
    names = dict.fromkeys(str(name) for member in members for name in member.settings if name not in ASIDE)
    found = []
    for name in names:
        origins = [_origin(member, name) for member in members if name in member.settings]
        texts = [plain_value(member.settings[name]) if name in member.settings else ABSENT for member in members]
        everywhere = len(origins) == len(members)
        if len(set(texts)) > 1 and (everywhere or set(origins) != {"default"}):
            typed = name == "model" or "typed" in origins or "file" in origins
            found.append((not typed, flag(name), texts))
    found.sort(key=lambda entry: entry[0])
    return [(name, texts) for _, name, texts in found]


def beside_settings(members: Sequence[Member]) -> list[tuple[str, list[str]]]:
    """(what, its value in each run) of what else the runs differ by: code of one's own, data, versions, machine."""
    columns = {
        "data": [
            str(member.reading.data.get("source") or member.reading.config.get("data") or "") for member in members
        ],
        **{
            name: [str(member.parts[0].env.get(name) or "") for member in members]
            for name in ("sonde", "torch", "device", "processor")
        },
    }
    beside = [(what, texts) for what, texts in columns.items() if len({text for text in texts if text}) > 1]
    shown = [(what, [clipped(text, TEXT) or ABSENT for text in texts]) for what, texts in beside]
    return [*((what, [clipped(text, CODE) for text in texts]) for what, texts in code_differing(members)), *shown]


def plain_value(value: Any) -> str:
    """A setting's value as one would type it."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return clipped(" ".join(plain_value(item) for item in value), TEXT) or "none"
    if isinstance(value, Mapping):
        return clipped(", ".join(f"{name}: {plain_value(item)}" for name, item in value.items()), TEXT)
    return f"{value:g}" if isinstance(value, float) else clipped(str(value), TEXT)


def _origin(member: Member, name: str) -> str:
    origin = member.reading.config.get("origin")
    return str(origin.get(name, "default")) if isinstance(origin, Mapping) else "default"
