"""Rows of data in memory, or of a map-style set, that are kept for validation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from sonde.core.errors import ConfigError
from sonde.core.nested import Field, leaves, rows_of
from sonde.core.seeds import derive
from sonde.data.mapped import is_mapped, mapped_tensor


def held_back(rows: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """(rows to train on, rows to validate on), each in order: a random share, at least one of each.

    Raises: ConfigError for a share that is not between 0 and 1, or too few rows
    """
    if isinstance(share, bool) or not 0 < share < 1:
        raise ConfigError(f"validation={share} is neither data nor a share of the rows between 0 and 1")
    if rows < 2:
        raise ConfigError(
            f"validation={share} of {rows} rows leaves none to train on; give validation data of their own"
        )
    shuffled = torch.randperm(rows, generator=torch.Generator().manual_seed(derive(seed, "split", "validation")))
    count = min(rows - 1, max(1, round(share * rows)))
    return shuffled[count:].sort().values, shuffled[:count].sort().values


def part_of_fields(fields: Mapping[str, Field], rows: Tensor) -> dict[str, Field]:
    """Those rows of fields in memory. Raises: ConfigError for a mapped file, which would be read as a whole"""
    for name, field in fields.items():
        for _, leaf in leaves(field):
            mapped = (
                is_mapped(leaf) if isinstance(leaf, np.ndarray) else isinstance(leaf, Tensor) and mapped_tensor(leaf)
            )
            if mapped is not None and mapped is not False:
                raise ConfigError(
                    f"validation= as a share would read the mapped file of {name!r} into memory; give slices of it as train and "
                    "validation"
                )
    numbers = rows.numpy()
    return {name: _taken(field, rows, numbers) for name, field in fields.items()}


def _taken(field: Field, rows: Tensor, numbers: np.ndarray) -> Field:
    if isinstance(field, np.ndarray):
        return field[numbers]
    if isinstance(field, dict):
        return {name: _taken(part, rows, numbers) for name, part in field.items()}
    if isinstance(field, tuple):
        parts = [_taken(part, rows, numbers) for part in field]
        return type(field)(*parts) if hasattr(field, "_fields") else tuple(parts)
    return rows_of(field, rows)


def part_of_rows(data: Any, rows: Tensor) -> Any:
    """Those rows of a list, or of a map-style set."""
    return Subset(data, rows.tolist())
