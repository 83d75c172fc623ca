"""The record of task vae."""

from sonde.tasks.autoencoder.spec import CODES, FOLLOW, SHORTEN
from sonde.tasks.spec import OR_SOUND, TaskSpec
from sonde.tasks.vae.config import VAEConfig

VAE = TaskSpec(
    name="vae",
    summary="a short code of each input, and new inputs from random codes (variational autoencoder)",
    task="sonde.tasks.vae.task:VAE",
    config=VAEConfig,
    answers=CODES,
    targets=(),
    inputs=OR_SOUND,
    labels=False,
    takes_input=True,
    encodes=True,
    generates=True,
    likelihood=True,
    network_input="sonde.tasks.input_code:network_input",
    model="sonde.tasks.reconstructing_recipe:model",
    settings="sonde.tasks.reconstructing_recipe:settings",
    figures="sonde.tasks.autoencoder.figures:additions",
    shorten=SHORTEN,
    units={
        "loss": "nats",
        "elbo": "nats",
        "bound": "nats",
        "kl": "nats",
        "mse": "variance of the inputs",
        "psnr": "dB",
    },
    next_commands=("sonde sample {run} --number 64", *FOLLOW),
)
