"""The record of task vq-vae."""

from sonde.tasks.autoencoder.spec import CODES, FOLLOW, SHORTEN
from sonde.tasks.spec import TaskSpec
from sonde.tasks.vq_vae.config import VQVAEConfig

VQ_VAE = TaskSpec(
    name="vq-vae",
    summary="a map of codes out of a codebook for each image, from which it can be given back (VQ-VAE, FSQ)",
    task="sonde.tasks.vq_vae.task:VQVAE",
    config=VQVAEConfig,
    answers=CODES,
    targets=(),
    inputs={"image": "images"},
    labels=False,
    takes_input=True,
    encodes=True,
    model="sonde.tasks.reconstructing_recipe:model",
    settings="sonde.tasks.reconstructing_recipe:settings",
    figures="sonde.tasks.autoencoder.figures:additions",
    shorten=SHORTEN,
    units={"mse": "variance of the inputs", "psnr": "dB", "perplexity": "codes"},
    next_commands=FOLLOW,
)
