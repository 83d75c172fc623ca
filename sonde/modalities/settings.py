"""All settings of a run by name: the general ones and those of each kind of data. Free of torch."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sonde.core.config import GROUPS, DataConfig, replace_leaves
from sonde.core.errors import ConfigError
from sonde.core.value_types import annotations
from sonde.modalities.catalogue import modalities, modality


def groups() -> dict[str, type]:
    """Title -> dataclass whose fields are flags; names of fields are unique over all of them.

    Raises: ConfigError where a kind of data of another package has a setting that there is already
    """
    found = {**of_data(), **GROUPS}
    owners: dict[str, str] = {}
    for title, kind in {**GROUPS, **found}.items():  # kinds of other packages come last
        for name in annotations(kind):
            if name in owners:
                raise ConfigError(f"{title} have a setting {name!r}, which {owners[name]} has already; rename it there")
            owners[name] = title
    return found


def of_data() -> dict[str, type]:
    """Those that say what is read and how."""
    return {"data": DataConfig, **{one.noun: one.config for one in modalities() if one.config}}


def of_kind(kind: str) -> tuple[str, ...]:
    """Names of the settings that data of a kind are read by: its own, and those of others that it reads too."""
    record = modality(kind)
    return (*(annotations(record.config) if record.config else ()), *record.reads)


def leaves() -> dict[str, str]:
    """Name of a setting -> title of its group."""
    return {name: title for title, kind in groups().items() for name in annotations(kind)}


def refuse_clash(owner: str, names: Iterable[str]) -> None:
    """Raises: ConfigError for a setting of a model's or a task's own with the name of one that every run has"""
    if taken := sorted(set(names) & {*leaves(), "model", "task", "config"}):
        raise ConfigError(f"{owner} has a setting {taken[0]!r}, which every run has already; rename it there")


def built(values: Mapping[str, Any]) -> dict[str, Any]:
    """General group -> its settings; those of kinds of data stand in `data`, all of them. Names of no group are left aside.

    Raises: ConfigError for a value of another kind, or out of range
    """
    every = {
        title: replace_leaves(kind, {name: values[name] for name in annotations(kind) if name in values})
        for title, kind in groups().items()
    }
    of_data = tuple(config for title, config in every.items() if title not in GROUPS)
    general = {title: config for title, config in every.items() if title in GROUPS}
    return {**general, "data": replace(every["data"], given=of_data)}


def data_config(values: Mapping[str, Any]) -> DataConfig:
    """What data are opened with, from settings by name, which no recipe can advise on.

    Raises: ConfigError, for values of other groups too, so that they are refused before data are opened
    """
    return built(values)["data"]
