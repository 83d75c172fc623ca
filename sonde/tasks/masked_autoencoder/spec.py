"""The record of task masked-autoencoder."""

from sonde.core.units import count
from sonde.tasks.masked_autoencoder.config import MaskedAutoencoderConfig
from sonde.tasks.spec import ROW, TaskSpec

MASKED_AUTOENCODER = TaskSpec(
    name="masked-autoencoder",
    summary="image features without labels (self-supervised): reconstruct masked patches",
    task="sonde.tasks.masked_autoencoder.task:MaskedAutoencoder",
    config=MaskedAutoencoderConfig,
    answers=ROW,
    targets=(),
    inputs={"image": "images"},
    samples=True,
    labels=False,
    model=("vit-tiny-16", "a small vision transformer"),
    settings="sonde.tasks.masked_autoencoder.recipe:settings",
    shorten={"features": lambda values: {"features": f"{count(len(values))} numbers"}},
)
