"""Out of memory, wherever that is met with: what was asked for, and what to lower."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from sonde.core.bounds import flag
from sonde.core.config import FeedConfig
from sonde.core.errors import OutOfMemory, SondeError
from sonde.core.units import size
from sonde.engine.met import met_at

SAID = (
    "not enough memory",
    "can't allocate memory",
    "CUDA out of memory",
    "Storage size calculation overflowed",
    "invalid buffer size",
)
ASKED = (r"tried to allocate (\d+) bytes", r"(?:[Tt]ried|Unable) to allocate ([\d.]+ [KMGTPE]i?B)")
SMALLER_MODEL = "or a smaller network"


def ran_out(trouble: BaseException) -> bool:
    """Whether an error of torch's, numpy's or Python's says that there is no memory."""
    return isinstance(trouble, MemoryError | torch.OutOfMemoryError) or any(said in str(trouble) for said in SAID)


@contextmanager
def room_for(what: str, remedy: str) -> Iterator[None]:
    """Raise a one-line error where the body runs out of memory.

    what: it does, such as "building the network";  remedy: what to lower
    Raises: OutOfMemory; any other error as it is
    """
    try:
        yield
    except SondeError:
        raise
    except (MemoryError, RuntimeError) as trouble:
        if not ran_out(trouble):
            raise
        raise OutOfMemory(f"out of memory while {what}{asked_for(trouble)}; {remedy}") from trouble


def asked_for(trouble: BaseException) -> str:
    """How much was asked for at once, in words; "" where the error does not tell.

    >>> asked_for(MemoryError("Unable to allocate 72.8 TiB for an array")), asked_for(MemoryError())
    (' (72.8 TiB asked for at once)', '')
    """
    found = next((match for pattern in ASKED if (match := re.search(pattern, str(trouble)))), None)
    if found is None:
        return ""
    return f" ({size(int(found[1])) if found[1].isdigit() else found[1]} asked for at once)"


def sizes_of(config: Any) -> str:
    """The settings of a network that say how large it is, as flags: "--width 512 or --hidden"."""
    if not is_dataclass(config) or isinstance(config, type):
        return "its sizes"
    found = []
    for entry in fields(config):
        value = getattr(config, entry.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if numbers and all(
            isinstance(number, int) and not isinstance(number, bool) and number > 1 for number in numbers
        ):
            found.append(flag(entry.name) if isinstance(value, tuple) else f"{flag(entry.name)} {value}")
    return " or ".join(found) or "its sizes"


def memory_or_itself(trouble: Exception, feed: FeedConfig, device: torch.device, *, evaluated: str = "") -> Exception:
    """What to make smaller where `trouble` is an out-of-memory error of a step or an evaluation; any other error as it is.

    evaluated: what an evaluation's batches can be made smaller by, where it was met with in one
    """
    if not ran_out(trouble) or isinstance(trouble, SondeError):
        return trouble
    asked, met = asked_for(trouble), met_at(trouble)
    if evaluated and met is not None:
        rows = len(met.batch)
        return OutOfMemory(
            f"out of memory on {device} in an evaluation, with a batch of {rows:,} rows{asked}: {evaluated}, {SMALLER_MODEL}"
        )
    rows = feed.batch_size if met is None else len(met.batch)
    each = -(-rows // feed.accumulate)
    if each <= 1:
        return OutOfMemory(
            f"out of memory on {device} with one row at a time{asked}; give a smaller network, smaller inputs, or, on "
            "a GPU, --precision bf16"
        )
    return OutOfMemory(
        f"out of memory on {device} with --batch-size {feed.batch_size} --accumulate {feed.accumulate}{asked}: "
        f"give --accumulate {feed.accumulate * 2} (the same update from smaller micro-batches) or --batch-size "
        f"{max(1, feed.batch_size // 2)}, {SMALLER_MODEL}"
    )
