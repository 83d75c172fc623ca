"""Language modelling: which token follows each, and from there whole texts."""

import itertools
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError, DataError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.seeds import generator
from sonde.core.vocabulary import BEGIN, END, PAD, UNKNOWN, Characters, Vocabulary, read_vocabulary
from sonde.metrics.language import LanguageMeter
from sonde.tasks.decode.generation import Unrolls, continued
from sonde.tasks.decode.sampling import Sampling
from sonde.tasks.language_model.config import LanguageModelConfig
from sonde.tasks.language_model.hidden_state import Carried
from sonde.tasks.supervised import check_shape, objective, wide
from sonde.tasks.unigrams import unigram_baseline

MODES: dict[str, Literal["max", "min"]] = {
    "loss": "min",
    "perplexity": "min",
    "bits_per_character": "min",
    "accuracy": "max",
}
LIKELY = 5  # next tokens that a prediction names
WRITTEN = (Sampling(temperature=0.5), Sampling(temperature=0.8), Sampling(temperature=1.0))  # samples for the report
MEANWHILE = (Sampling(temperature=0.8),)  # while it trains
WRITTEN_TOKENS = 300  # of each
TORN = "\N{REPLACEMENT CHARACTER}"  # what the first bytes of a character are decoded to

# B rows, T tokens, V symbols


class LanguageModel:
    """Trains and evaluates a model on the next token, and generates text.

    Models output logits (B, T, V) of what follows each of (B, T) tokens; PAD is no target.
    Carrying the state on, without its gradient, is truncated back-propagation through time: Williams and Peng 1990, Neural
    Computation 2(4).
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: LanguageModelConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError for other targets, a state to carry where a model has none, or an unknown `monitor`"""
        if target.kind != "next":
            raise ConfigError("task language-model needs plain text; leave --task language-model out")
        if config.carry and not isinstance(model, Unrolls):
            raise ConfigError(
                "--carry is for recurrent networks, which have a hidden state; use --model lstm-lm, or leave it out"
            )
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config = target, config
        self.vocabulary: Vocabulary = read_vocabulary(target.tokenizer)
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective("loss", MODES, monitor)
        self.abilities = Abilities(trivial_baseline=self.trivial_baseline, samples=self.samples)
        self.trained, self.evaluated = Carried(), Carried()

    def loss(self, batch: Batch) -> Loss:
        """Mean nats over the tokens that count, whose number is its weight."""
        logits, target = self._logits(batch, self.trained), batch["target"]
        total = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="sum")
        weight = (target != PAD).sum().clamp(min=1)
        return Loss(total / weight, weight)

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: nats (B, T), prediction and target (B, T) int64."""
        logits, target = self._logits(batch, self.evaluated), batch["target"]
        nats = F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="none")
        return {"nats": nats.view_as(target), "prediction": logits.argmax(2), "target": target}

    def meter(self) -> Meter:
        """A fresh one; the evaluation starts without hidden states."""
        self.evaluated = Carried()
        return LanguageMeter(self.vocabulary)

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Each token by how often it occurs in the training text, whatever stands before it."""
        return unigram_baseline(known, evaluated, symbols=self.target.symbols)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"probs": (B, V) of the token after the last of each row, "nats": (B,) mean of the tokens given but the first}."""
        input = batch["input"]
        logits = wide(self.modules["model"](input))
        last = (input != PAD).sum(1) - 1  # (B,)
        probs = logits[torch.arange(len(input), device=input.device), last].softmax(1)
        following = F.pad(input[:, 1:], (0, 1), value=PAD)
        nats = F.cross_entropy(logits.transpose(1, 2), following, ignore_index=PAD, reduction="none").sum(1)
        return {"probs": probs, "nats": nats / last.clamp(min=1)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per text: the most probable next token, its probability and those of the next likely, and the perplexity of
        the text itself (of one token None).
        """
        rows = []
        for probs, nats in zip(outputs["probs"], outputs["nats"].tolist(), strict=True):
            likely = probs.topk(min(LIKELY, len(probs)))
            named = {self._shown(n): p for n, p in zip(likely.indices.tolist(), likely.values.tolist(), strict=True)}
            first = next(iter(named))
            rows.append(
                {
                    "prediction": first,
                    "probability": named[first],
                    "perplexity": math.exp(nats) if nats else None,
                    "probabilities": named,
                }
            )
        return rows

    def stream(
        self, prompt: str, *, context: int, tokens: int, sampling: Sampling, seed: int = 0, memory: bool = True
    ) -> Iterator[str]:
        """Pieces of text that follow a prompt, as they are drawn: of `tokens` tokens at most, to END.

        context: the model's context;  memory: see `sonde.tasks.decode.generation.continued`
        Raises: DataError for a prompt with characters that the model does not know
        """
        prompt_tokens = self.encoded(prompt)
        device = next(self.modules.parameters()).device
        given = torch.tensor([prompt_tokens], device=device)
        drawn = generator(seed, "sample")
        following = continued(self.modules["model"].eval(), given, sampling, drawn, context=context, memory=memory)
        return self._pieces(prompt_tokens, itertools.islice(following, tokens))

    def _pieces(self, prompt_tokens: Sequence[int], following: Iterable[Tensor]) -> Iterator[str]:
        """The text of tokens (1,) that follow those of the prompt, to END."""
        generated, shown = list(prompt_tokens), self.vocabulary.decode(prompt_tokens)
        for token in following:
            if int(token) == END:
                break
            generated.append(int(token))
            text = self.vocabulary.decode(generated)
            if not text.endswith(TORN):  # the rest of a character's bytes is still to come
                yield text[len(shown) :]
                shown = text

    def encoded(self, prompt: str) -> list[int]:
        """Tokens of a prompt; of an empty one a line's beginning. Raises: DataError for what the model does not know"""
        tokens = self.vocabulary.encode(prompt)
        if UNKNOWN in tokens and isinstance(self.vocabulary, Characters):
            missing = sorted(set(prompt) - set(self.vocabulary.symbols))
            raise DataError(
                f"the prompt has {' '.join(map(repr, missing))}, not in the vocabulary of the training text; leave it out"
            )
        if tokens:
            return tokens
        line = self.vocabulary.encode("\n")
        return line if line and UNKNOWN not in line else [BEGIN]

    def samples(self, context: int, seconds: float | None = None) -> list[dict[str, Any]]:
        """Texts of its own for the report, at several temperatures; with the same weights always the same.

        seconds: for a single text, which ends when they are over
        """
        found, until = [], math.inf if seconds is None else time.perf_counter() + seconds
        for number, sampling in enumerate(WRITTEN if seconds is None else MEANWHILE):
            pieces = self.stream("", context=context, tokens=WRITTEN_TOKENS, sampling=sampling, seed=number)
            text = "".join(itertools.takewhile(lambda piece: time.perf_counter() < until, pieces))
            found.append({"temperature": sampling.temperature, "text": text})
        return found

    def state_dict(self) -> dict[str, Any]:
        """The states that the next batch goes on from, where they are carried."""
        return {"carried": self.trained.state_dict()} if self.config.carry else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        if "carried" in state:
            self.trained.load_state_dict(state["carried"])

    def _logits(self, batch: Batch, carried: Carried) -> Tensor:
        """(B, T, V) at least float32. Raises: ConfigError for a model with other outputs."""
        model, input = self.modules["model"], batch["input"]
        if self.config.carry and isinstance(model, Unrolls):
            logits, state = model.unroll(input, carried.before(batch.index, input.device))
            carried.keep(batch.index, state)
        else:
            logits = model(input)
        expected = (*input.shape, self.target.symbols)
        check_shape(logits, expected, "task language-model needs logits {}", model="gpt-small")
        return wide(logits)

    def _shown(self, token: int) -> str:
        """A token as it is displayed: a newline as \\n, a space in quotes."""
        quoted = repr(self.vocabulary.symbol(token))
        return quoted[1:-1] if quoted[1:-1].strip() else quoted
