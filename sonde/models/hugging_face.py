"""Networks of Hugging Face's transformers, where it is installed: `--model hf:NAME`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.core.vocabulary import BEGIN, END, PAD
from sonde.models.library import imported

CACHE_NAMES = ("cache", "past_key_values")  # in newer and in older versions of transformers

# B rows, T tokens, V symbols


@dataclass(frozen=True, kw_only=True)
class HuggingFaceConfig:
    """A network of transformers has no settings here."""


class CausalLanguageModel(nn.Module):
    """(B, T) int64 -> (B, T, V): logits of the token after each."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, V). Padding stands at the end, where a causal network does not look."""
        return self.network(input_ids=tokens, use_cache=False).logits


class Cache:
    """What the library keeps of the tokens before, of all layers at once; None at the beginning."""

    values: Any = None


class CachedLanguageModel(nn.Module):
    """The same of a network that can keep keys and values (`sonde.tasks.decode.generation.SupportsCache`)."""

    def __init__(self, network: nn.Module, cache_name: str) -> None:
        """cache_name: what the network calls them, where it takes and where it gives them"""
        super().__init__()
        self.network, self.cache_name = network, cache_name

    def forward(self, tokens: Tensor, memory: Sequence[Cache] = ()) -> Tensor:
        """(B, T) -> (B, T, V). memory: of the tokens before these, which are added to it (see `memory`)."""
        if not memory:
            return self.network(input_ids=tokens, use_cache=False).logits
        found = self.network(input_ids=tokens, use_cache=True, **{self.cache_name: memory[0].values})
        memory[0].values = getattr(found, self.cache_name)
        return found.logits

    def memory(self, rows: int) -> list[Cache]:
        """An empty one. rows: the library sees for itself how many there are."""
        return [Cache()]


class SequenceClassifier(nn.Module):
    """(B, T) int64, PAD behind the end -> (B, out_dim)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, out_dim)."""
        return self.network(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits


def load(text: str) -> Callable[[InputSpec, int, HuggingFaceConfig], nn.Module]:
    """The builder for `hf:NAME`, NAME a folder with a config.json, a name of the hub, or a kind of network such as gpt2.

    The network has the vocabulary of the data and randomly initialised weights; --pretrained FILE loads some. For
    next-token prediction it is a causal language model, else a sequence classifier.
    Raises: MissingDependency with the install line; ConfigError for a name that stands for no network
    """
    library = imported("transformers", "hf")
    name = text.partition(":")[2]
    network = _config(library, name)

    def build(input: InputSpec, out_dim: int, config: HuggingFaceConfig) -> nn.Module:
        known = {"vocab_size": input.symbols, "pad_token_id": PAD, "bos_token_id": BEGIN, "eos_token_id": END}
        causal = out_dim == input.symbols
        network.update(known if causal else {**known, "num_labels": out_dim})
        longest = getattr(network, "max_position_embeddings", None)
        if longest is not None and longest < input.shape[0]:
            raise ConfigError(
                f"{text} takes {longest} tokens at most, and the longest row has {input.shape[0]}; give --max-tokens {longest}"
            )
        try:
            if causal:
                made = library.AutoModelForCausalLM.from_config(network)
                cache_name = _cache_name(made)
                return CausalLanguageModel(made) if cache_name is None else CachedLanguageModel(made, cache_name)
            return SequenceClassifier(library.AutoModelForSequenceClassification.from_config(network))
        except ValueError as error:  # a kind of network that has no such head
            raise ConfigError(f"{text} cannot be used here: {str(error).splitlines()[0]}") from None

    return build


def _cache_name(network: nn.Module) -> str | None:
    """What a network calls that which it keeps of the tokens before; None for one that keeps nothing."""
    known = signature(network.forward).parameters
    return next((name for name in CACHE_NAMES if name in known), None)


def _config(library: Any, name: str) -> Any:
    """The library's description of a network. Raises: ConfigError"""
    if name in library.CONFIG_MAPPING and not Path(name).exists():
        return library.CONFIG_MAPPING[name]()
    try:
        return library.AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"hf:{name} is neither a folder with a config.json, a name on the Hub nor a model type ({str(error).splitlines()[0]})"
        ) from None
