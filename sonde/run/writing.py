"""Text from a trained language model."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError
from sonde.core.run_folder import RunFolder
from sonde.tasks.decode.sampling import Sampling
from sonde.tasks.language_model.task import LanguageModel

if TYPE_CHECKING:
    from sonde.run.run import Run


def stream(
    run: "Run",
    prompt: str = "",
    *,
    tokens: int = 200,
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    memory: bool = True,
) -> Iterator[str]:
    """Pieces of text that continue a prompt, as they are sampled.

    tokens: maximum to generate;  temperature, top_k, top_p: see `sonde.tasks.decode.sampling.Sampling`
    seed: the same gives the same text;  memory: whether to use a key-value cache or recurrent state (for speed)
    Raises: ConfigError for a run that does not model language, DataError for a prompt that it cannot encode
    """
    if not isinstance(run.task, LanguageModel):
        trained_on = read_config(RunFolder(run.folder).config).settings.get("task")
        use = "sample" if run.spec.generates else "predict"
        raise ConfigError(f"{run.folder} cannot generate text: it was trained on task {trained_on}; use {use}")
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    context = run.schema.input.shape[0]
    return run.task.stream(prompt, context=context, tokens=tokens, sampling=sampling, seed=seed, memory=memory)
