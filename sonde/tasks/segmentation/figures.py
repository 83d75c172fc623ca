"""How a segmentation did: class maps beside the pictures."""

from collections.abc import Mapping
from typing import Any

from sonde.report.additions import Additions
from sonde.report.class_maps import maps


def additions(details: Mapping[str, Any]) -> Additions:
    """The pictures of the rows that are shown, with truth and answer side by side."""
    return Additions(drawing=maps((details.get("confusion") or {}).get("names") or ()))
