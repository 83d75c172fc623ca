"""`sonde inspect DATA`: what is in the data, and what is wrong with them; and a preview of augmentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.cli.begin import begin
from sonde.core.errors import ConfigError
from sonde.modalities.settings import data_config, of_data
from sonde.tasks.table import spec

ABOUT = """\
Inspect DATA without training: format, classes, columns and sizes, each with how it was inferred; then duplicates, leakage
between splits and of the target, and unreadable files. Environments are played: what they show and pay, what random, constant
and linear policies return, and why nothing may be learned. Of games for two random ones are played, and moves searched.

examples:
  sonde inspect photos/
  sonde inspect titanic.csv --target survived
  sonde inspect photos/ --augment flip,crop=4,colour=0.3
  sonde inspect gym:CartPole-v1
  sonde inspect "game:hex(board_size=5)"
"""


@dataclass(frozen=True, kw_only=True)
class PreviewOptions:
    """What the data are for, and a preview of augmented images."""

    task: str | None = None
    """A name from `sonde tasks`, for which the data are opened; by default chosen from the target."""
    augment: str | None = None
    """Also draw training images augmented by this policy, such as flip,crop=4; auto uses the recipe's."""
    play_seconds: float | None = None
    """Environments are played for at most so many seconds, by default 20."""
    out: str = "augmented.png"
    """PNG file to write the augmented images to, with their masks or boxes drawn on them."""


def run(words: Sequence[str]) -> int:
    """Inspect data. Raises: DataError, ConfigError."""
    begun = begin(words, of_data(), usage="inspect DATA", about=ABOUT, data_last=True, more=PreviewOptions)
    if begun is None:
        return 0
    screen, preview, config = begun.screen, begun.more, data_config(begun.options)
    if preview.play_seconds is not None and not preview.play_seconds > 0:
        raise ConfigError(f"--play-seconds is a number of seconds above 0, got {preview.play_seconds:g}")
    if preview.task is not None:
        spec(preview.task)
    drawn = ""
    if preview.augment is not None:
        _check_sheet(preview.out)
        from sonde.cli.augmented import write_augmented
        from sonde.modalities.open import open_data

        dataset = open_data(begun.words[0], config, task=preview.task, tick=screen.tick)
        drawn = write_augmented(Path(preview.out), dataset, preview.augment)
    from sonde.modalities.inspect import inspect

    found = inspect(begun.words[0], config, task=preview.task, seconds=preview.play_seconds, tick=screen.tick)
    screen.data(found.facts)
    for listing in found.tables:
        screen.say("")
        screen.table(listing.title, listing.columns, listing.rows)
    screen.say("")
    screen.findings([finding.as_dict() for finding in found.findings])
    if drawn:
        screen.say(f"wrote {preview.out}: training images with --augment {drawn}")
    return 0


def _check_sheet(out: str) -> None:
    """Raises: ConfigError, before anything is read, for what cannot be written."""
    if Path(out).suffix.lower() != ".png":
        raise ConfigError(f"--out {out}: augmented images are written as PNG; use a name ending in .png")
    if not Path(out).parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {Path(out).parent}")
