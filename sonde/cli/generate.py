"""`sonde generate RUN`: text from a trained language model, streamed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin, trained_run
from sonde.core.errors import ConfigError

ABOUT = """\
Generate text from a prompt with the best checkpoint of RUN; tokens are printed as they are sampled.

examples:
  sonde generate runs/tinyshakespeare-modern-gpt-1 --prompt "ROMEO:"
  sonde generate runs/tinyshakespeare-modern-gpt-1 --tokens 1000 --temperature 0.6 --top-k 40 --seed 1
"""


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How tokens are sampled."""

    tokens: int = 200
    """Maximum number of tokens to generate; the text may end earlier."""
    temperature: float = 0.8
    """Sampling temperature: lower is less random, 0 is greedy decoding (always the most probable token)."""
    top_k: int = 0
    """Top-k sampling: sample from the k most probable tokens only; 0 for all."""
    top_p: float = 1.0
    """Nucleus sampling (top-p): sample from the smallest set of tokens with this total probability; 1 for all."""
    seed: int = 0
    """Random seed; the same seed gives the same text."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ConfigError(f"--tokens must be at least 1, got {self.tokens}")

    def drawing(self) -> dict[str, float | int]:
        """What `Run.stream` takes of these."""
        return {name: getattr(self, name) for name in ("tokens", "temperature", "top_k", "top_p", "seed")}


@dataclass(frozen=True, kw_only=True)
class PromptOptions:
    """The prompt."""

    prompt: str = ""
    """Text to continue; it is printed too."""


def run(words: Sequence[str]) -> int:
    """Generate. Raises: SondeError subclasses."""
    begun = begin(words, SamplingOptions, usage="generate RUN", about=ABOUT, more=PromptOptions)
    if begun is None:
        return 0
    prompt = begun.more.prompt
    trained = trained_run(begun.words[0], begun.options.device, trust_code=begun.trust_code)
    pieces = trained.stream(prompt, **begun.options.drawing())
    begun.screen.write(prompt)
    for piece in pieces:
        begun.screen.write(piece)
    begun.screen.write("\n")
    return 0
