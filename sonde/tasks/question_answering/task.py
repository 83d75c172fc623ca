"""Extractive question answering: the span of a text that answers a question."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.code_points import text_of
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase, RuleBaseline
from sonde.metrics.answers import AnswersMeter
from sonde.nn.features import remove_head
from sonde.nn.masked_tokens import TokenEncoder
from sonde.tasks.question_answering.config import QuestionAnsweringConfig
from sonde.tasks.question_answering.overlap import answer_by_overlap
from sonde.tasks.question_answering.spans import Windows, best_span, windows_of
from sonde.tasks.supervised import check_shape, objective, wide

# tokens before the context: BEGIN, the question as it is cut (`sonde.modalities.text.question_rows`), END
LONGEST_QUESTION = 66
MODES: Mapping[str, Literal["max", "min"]] = {"f1": "max", "exact_match": "max", "loss": "min"}
RULE = "word overlap with the question, without training"

# B rows, T tokens of a row, N windows, L tokens of a window


class Found(NamedTuple):
    """The best answer of each row.

    first, last: (B,) tokens in the row, 0 and 0 for no answer;  probability: (B,) within the best window
    """

    first: Tensor
    last: Tensor
    probability: Tensor


class QuestionAnswering:
    """Trains and evaluates one model on the first and the last token of the answer.

    Models output two logits a token, (N, L) -> (N, L, 2), or a vector for each token (`TokenEncoder`), on which a
    linear layer is put instead of their head. Answers begin and end in the context. A window without the answer points at
    its first token, BEGIN, so that windows of one text can be compared by their probabilities. Where some questions of the
    training data have no answer, none is given where BEGIN is more probable in every window than the best answer.
    Source: Devlin et al. 2018, BERT, arXiv:1810.04805, sections 4.2 and 4.3
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: QuestionAnsweringConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no spans, windows do not cover every answer, or `monitor` is not a metric"""
        self.config, self.window = config, _window(target, config)
        self.may_refuse = len(target.names) > 2  # start, end and no answer
        self.modules = nn.ModuleDict({"model": model})
        if isinstance(model, TokenEncoder):
            remove_head(model)
            self.modules["head"] = nn.Linear(model.words.embedding_dim, 2)
        trains = list(self.modules.values())
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=trains),)
        self.objective: Objective = objective("f1", MODES, monitor)
        self.abilities = Abilities(rule_baseline=RuleBaseline(RULE, self.answer_by_rule))

    def loss(self, batch: Batch) -> Loss:
        """The mean over windows of the cross-entropies of first and last token, halved."""
        windows = self._windows(batch)
        each = self._each(windows, self._log_probs(windows), batch["target"])
        return Loss(each.mean(), len(each))

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: found (B, 2) characters of the context, probability (B,), loss (B,) with the windows it is the mean
        of as weight, and the texts.
        """
        windows = self._windows(batch)
        log_probs = self._log_probs(windows)
        each = self._each(windows, log_probs, batch["target"])
        number = torch.bincount(windows.row, minlength=len(batch))
        loss = each.new_zeros(len(batch)).index_add(0, windows.row, each) / number
        predicted = self._predicted(batch, self._best(windows, log_probs, len(batch)))
        return {**predicted, "truth": _characters(batch, *batch["target"].T), "loss": loss, "weight": number}

    def answer_by_rule(self, batch: Batch) -> Mapping[str, Tensor]:
        """The prediction of lexical overlap, for the meter: see `sonde.tasks.question_answering.overlap`."""
        questions, contexts = (batch[name].tolist() for name in ("question", "context"))
        found = [answer_by_overlap(text_of(q), text_of(c)) for q, c in zip(questions, contexts, strict=True)]
        return {"found": torch.tensor(found), "truth": _characters(batch, *batch["target"].T), **_texts(batch)}

    def meter(self) -> Meter:
        """A fresh one."""
        return AnswersMeter()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """found (B, 2), probability (B,), and the context (B, characters)."""
        windows = self._windows(batch)
        predicted = self._predicted(batch, self._best(windows, self._log_probs(windows), len(batch)))
        return {name: predicted[name] for name in ("found", "probability", "context")}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per question: prediction, its probability, and begin and end, its place among the context's characters; an
        empty one where the context does not answer it.
        """
        contexts, found = (outputs[name].tolist() for name in ("context", "found"))
        return [
            {"prediction": text_of(context)[begin:end], "probability": sure, "begin": begin, "end": end}
            for context, (begin, end), sure in zip(contexts, found, outputs["probability"].tolist(), strict=True)
        ]

    def _windows(self, batch: Batch) -> Windows:
        return windows_of(batch["input"], window=self.window, stride=self.config.stride)

    def _log_probs(self, windows: Windows) -> Tensor:
        """(2, N, L) that a token is the answer's first, its last; -inf for all but those of the context and BEGIN.

        Raises: ConfigError for a model without an output for each token
        """
        model = self.modules["model"]
        if isinstance(model, TokenEncoder):
            logits = wide(self.modules["head"](cast(TokenEncoder, model).hidden(windows.tokens)))
        else:
            logits = wide(model(windows.tokens))
        expected = (*windows.tokens.shape, 2)
        check_shape(logits, expected, "task question-answering needs two logits per token {}", model="qa-reader")
        allowed = windows.places >= 0
        allowed = F.pad(allowed[:, 1:], (1, 0), value=True)
        return logits.movedim(2, 0).masked_fill(~allowed, -torch.inf).log_softmax(2)

    def _each(self, windows: Windows, log_probs: Tensor, target: Tensor) -> Tensor:
        """(N,) loss of each window."""
        wanted = windows.targets(target)  # (N, 2)
        return -log_probs.gather(2, wanted.T[:, :, None])[:, :, 0].mean(0)

    def _best(self, windows: Windows, log_probs: Tensor, rows: int) -> Found:
        """The most probable answer over all windows of a row."""
        start, end = log_probs.masked_fill(windows.places < 0, -torch.inf)
        first, last, score = best_span(start, end, most=self.config.longest_answer)
        best = score.new_full((rows,), -torch.inf).scatter_reduce(0, windows.row, score, "amax")
        number = torch.arange(len(score), device=score.device)
        number = torch.where(score == best[windows.row], number, len(score))
        chosen = number.new_full((rows,), len(score)).scatter_reduce(0, windows.row, number, "amin")
        places = windows.places[chosen]
        first, last = (places.gather(1, ends[chosen][:, None])[:, 0] for ends in (first, last))
        if not self.may_refuse:
            return Found(first, last, best.exp())
        none = best.new_full((rows,), torch.inf).scatter_reduce(0, windows.row, log_probs[:, :, 0].sum(0), "amin")
        refused = none - best > self.config.null_threshold
        return Found(
            first.masked_fill(refused, 0), last.masked_fill(refused, 0), torch.where(refused, none, best).exp()
        )

    def _predicted(self, batch: Batch, found: Found) -> dict[str, Tensor]:
        characters = _characters(batch, found.first, found.last)
        return {"found": characters, "probability": found.probability, **_texts(batch)}


def _characters(batch: Batch, first: Tensor, last: Tensor) -> Tensor:
    """(B, 2) characters of the context from the first to behind the last of some tokens."""
    rows = torch.arange(len(batch), device=first.device)
    return torch.stack([batch["spans"][rows, first, 0], batch["spans"][rows, last, 1]], 1)


def _texts(batch: Batch) -> dict[str, Tensor]:
    return {name: batch[name] for name in ("question", "context", "answers")}


def _window(target: TargetSpec, config: QuestionAnsweringConfig) -> int:
    """Tokens of a window. Raises: ConfigError"""
    if target.kind != "span":
        raise ConfigError(
            "task question-answering needs questions whose answers are spans of a text; leave --task question-answering out"
        )
    window = target.shape[0]
    overlap = window - LONGEST_QUESTION - 1 - config.stride
    if overlap < config.longest_answer:
        raise ConfigError(
            f"windows of {window} tokens, {LONGEST_QUESTION + 1} of them perhaps for the question, overlap by {overlap} at a "
            f"stride of {config.stride}, and an answer of {config.longest_answer} would fall between two; give a smaller "
            "--stride or a larger --max-tokens"
        )
    return window
