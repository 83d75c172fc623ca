"""`sonde generate RUN`: text of a trained language model, as it is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin
from sonde.cli.parse import take_words
from sonde.core.errors import ConfigError

ABOUT = """\
Let RUN's best checkpoint go on from a prompt; each token is shown as it is drawn.

examples:
  sonde generate runs/tinyshakespeare-modern-gpt-1 --prompt "ROMEO:"
  sonde generate runs/tinyshakespeare-modern-gpt-1 --tokens 1000 --temperature 0.6 --top-k 40 --seed 1
"""


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How tokens are drawn."""

    tokens: int = 200
    """Most tokens to draw; the text may end before."""
    temperature: float = 0.8
    """Below 1 the probable becomes more so; 0 always takes the most probable."""
    top_k: int = 0
    """Draw from so many of the most probable alone; 0 for all."""
    top_p: float = 1.0
    """Draw from the fewest that have this probability together; 1 for all."""
    seed: int = 0
    """The same seed gives the same text."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto takes a GPU where there is one."""

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ConfigError(f"--tokens must be at least 1, got {self.tokens}")

    def drawing(self) -> dict[str, float | int]:
        """What `Run.stream` takes of these."""
        return {name: getattr(self, name) for name in ("tokens", "temperature", "top_k", "top_p", "seed")}


@dataclass(frozen=True, kw_only=True)
class PromptOptions:
    """What the text begins with."""

    prompt: str = ""
    """Text to go on from; it is shown too."""


def run(words: Sequence[str]) -> int:
    """Write. Raises: SondeError subclasses."""
    begun = begin(words, SamplingOptions, usage="generate RUN", about=ABOUT, more=PromptOptions)
    if begun is None:
        return 0
    (folder,) = take_words(begun.words, ["RUN"], verb="generate")
    from sonde.core.run_folder import open_run

    place = open_run(folder)
    from sonde.engine.plan import pick_device
    from sonde.run.run import Run

    trained = Run(place).to(pick_device(begun.options.device))
    prompt = begun.more.prompt
    pieces = trained.stream(prompt, **begun.options.drawing())
    begun.screen.write(prompt)
    for piece in pieces:
        begun.screen.write(piece)
    begun.screen.write("\n")
    return 0
