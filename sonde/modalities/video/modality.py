"""Clips: images in the order of time."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.video.config import VideoConfig

FILES = (".gif", ".png", ".apng", ".webp")

VIDEO = Modality(
    kind="video",
    noun="clips",
    input_word="CLIP",
    absent="was not read as clips",
    rows_to_predict="sonde.modalities.video.inputs:rows_to_predict",
    config=VideoConfig,
    reads=("image_size",),
    recipe="sonde.modalities.video.recipe",
    made="sonde.modalities.video.made:MADE",
    embedded={
        "moving-digits": "sonde.modalities.video.forms.moving_digits:read",
        "moving-digit": "sonde.modalities.video.forms.moving_digits:read_single",
    },
    forms=(
        Form(
            name="animated pictures (GIF, PNG, WebP) as clips",
            sure=66,
            module="sonde.modalities.video.forms.animated",
            endings=FILES,
            tasks=("diffusion", "flow-matching"),
            instead_of_columns="clips",
        ),
    ),
)
