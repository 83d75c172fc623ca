"""The record of task autoencoder."""

from sonde.core.units import count
from sonde.tasks.autoencoder.config import AutoencoderConfig
from sonde.tasks.spec import OR_SOUND, Answer, TaskSpec

CODES = Answer("codes", "a code of an input, and the input from its code")
FOLLOW = (
    "sonde predict {run} {input} --what latent --out codes.csv",
    "sonde predict {run} {input} --what reconstruction",
)
SHORTEN = {
    "latent": lambda values: {"latent": f"{count(len(values))} numbers"},
    "reconstruction": lambda values: {"reconstruction": f"{count(len(values))} values"},
    "error": lambda values: {"largest error": max(values, key=values.get)} if values else {},
}

AUTOENCODER = TaskSpec(
    name="autoencoder",
    summary="a short code of each input, from which it can be given back (plain, denoising, sparse)",
    task="sonde.tasks.autoencoder.task:Autoencoder",
    config=AutoencoderConfig,
    answers=CODES,
    targets=(),
    inputs=OR_SOUND,
    labels=False,
    takes_input=True,
    encodes=True,
    network_input="sonde.tasks.input_code:sound_input",
    model="sonde.tasks.reconstructing_recipe:model",
    settings="sonde.tasks.reconstructing_recipe:settings",
    figures="sonde.tasks.autoencoder.figures:additions",
    shorten=SHORTEN,
    units={"mse": "variance of the inputs", "psnr": "dB"},
    next_commands=FOLLOW,
)
