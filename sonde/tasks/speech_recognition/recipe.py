"""The network for speech recognition; its settings are those of the recipe of all recordings."""

from sonde.core.dataset import Dataset


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "speech-conformer-tiny", "recordings with transcripts"
