"""Defaults for diffusion and flow matching, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast, epochs_of_updates

UPDATES = 20_000
BATCH = 128
BATCH_OF_CLIPS = 32  # recordings are few, and each takes as long as several images
LARGE = 24  # pixels
CLIPS = 32  # in a batch: each holds several images


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if dataset.schema.input.has_planes:
        return "denoiser-unet", "a small U-Net for images"
    if dataset.schema.input.has_frames:
        return "denoiser-video", "a small U-Net for clips, with attention between their frames"
    if dataset.schema.input.is_clip:
        return "denoiser-unet", "a small U-Net for spectrograms"
    return "denoiser-mlp", "residual layers for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset whose inputs are to be made anew."""
    rows = len(dataset.splits["train"])
    frames, sound = dataset.schema.input.has_frames, dataset.schema.input.is_clip
    batch = min(CLIPS if frames else BATCH_OF_CLIPS if sound else BATCH, rows)
    why = "usual for diffusion and flow matching: Adam without decay, a constant rate and averaged weights"
    found: Settings = {}
    if dataset.schema.input.has_frames:
        reason = "clips in patches of 2: a quarter of the cost"
        found = {"patch": (2, reason), "widths": ((48, 96), reason)}
    if dataset.schema.input.has_planes and max(dataset.schema.input.shape[1:]) >= LARGE:
        reason = f"images of {LARGE} pixels and more in patches of 2: a quarter of the cost"
        found = {"patch": (2, reason), "widths": ((48, 96), reason)}
    if dataset.schema.input.is_clip:
        reason = "spectrograms in patches of 4: a quarter of the cost of 2"
        found = {"patch": (4, reason), "widths": ((64, 128), reason)}
    return {
        **found,
        "optimizer": ("adamw", why),
        "lr": (1e-3 if model == "denoiser-mlp" else 5e-4, why),
        "weight_decay": (0.0, why),
        "schedule": ("cosine", "the rate falls to 0, so that the last weights are no noisier than their average"),
        "warmup": (0.02, why),
        "clip": (1.0, "steps on nearly pure noise have large gradients"),
        "ema": (0.999, "samples of averaged weights are better (Song and Ermon 2020, arXiv:2006.09011)"),
        "batch_size": (batch, why),
        "epochs": epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=5, most=500),
        "augment": ("none", "augmented inputs would be generated too"),
        **bf16_where_fast(),
    }
