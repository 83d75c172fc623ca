"""Which network reads an environment's observations: by their shape, whatever is learned."""

from sonde.core.dataset import Dataset

PIXEL_STEPS = 10_000_000  # of the environments: 40 million frames, as of Schulman et al. 2017
SMALL_STEPS = (
    1_000_000  # of environments whose pictures are small; Young and Tian 2019, arXiv:1903.03176, take 5 million
)
PRECISION = "convolutions take most of the time, in bf16 half of it"
SMALLEST = 36  # pixels a side that `policy-cnn` takes


def has_pixels(dataset: Dataset) -> bool:
    """Whether observations are pictures."""
    return dataset.schema.input.has_planes


def has_small_pictures(dataset: Dataset) -> bool:
    """Whether observations are pictures of a small board, and not of a screen: what is published for screens takes too long."""
    return has_pixels(dataset) and min(dataset.schema.input.shape[1:]) < SMALLEST


def network(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if not has_pixels(dataset):
        return "policy-mlp", "layers for rows of numbers"
    if has_small_pictures(dataset):
        return "policy-impala", "convolutions for pictures that are small"
    return "policy-cnn", "convolutions for pixels (Mnih et al. 2015)"
