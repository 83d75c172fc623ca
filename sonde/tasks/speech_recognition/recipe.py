"""Which network transcribes; how it is trained, the recipe of all recordings says."""

from sonde.core.dataset import Dataset


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "speech-conformer-tiny", "recordings with transcripts"
