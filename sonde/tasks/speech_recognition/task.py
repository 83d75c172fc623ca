"""Speech recognition: the transcript of a recording, trained without alignments (connectionist temporal classification)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.core.vocabulary import END, PAD, read_vocabulary
from sonde.metrics.transcripts import TranscriptMeter
from sonde.tasks.decode.ctc import BLANK, beam_search, likeliest
from sonde.tasks.speech_recognition.config import SpeechRecognitionConfig
from sonde.tasks.supervised import mean_loss, objective, wide

MODES: Mapping[str, Literal["max", "min"]] = {"wer": "min", "cer": "min", "accuracy": "max", "loss": "min"}

# B rows, S samples, F frames, V symbols, M tokens of the truth, L tokens that were found


class SpeechRecognition:
    """Trains and evaluates one model that gives each frame of a recording logits over the vocabulary, PAD being the blank.

    Models output ((B, F, V), frames of each row (B,)). The loss is the mean over the tokens of all transcripts; rows with fewer
    frames than their transcript needs have no alignment and do not count, but are counted.
    Source: Graves et al. 2006, Connectionist temporal classification, ICML
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: SpeechRecognitionConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no transcripts, or `monitor` is not a metric"""
        if target.kind != "tokens":
            raise ConfigError("task speech-recognition needs transcripts; leave --task speech-recognition out")
        self.modules = nn.ModuleDict({"model": model})
        self.config = config
        self.vocabulary = read_vocabulary(target.tokenizer)
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        self.objective: Objective = objective("wer", MODES, monitor)
        self.abilities = Abilities(quick_evaluate=self.quick_evaluate, trivial_baseline=self.trivial_baseline)

    def loss(self, batch: Batch) -> Loss:
        """Nats a token; the weight is the tokens that count."""
        each, weight, unreachable = _losses(*self._answers(batch), batch["target"])
        found = mean_loss(each, weight, len(batch))
        return Loss(found.value, found.weight, {"unreachable": unreachable.float().mean()})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: found (B, L), target (B, M), loss and its weight (B,), unreachable (B,)."""
        return self._evaluated(batch, self.config.beam)

    def quick_evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """The same without a search, while training goes on."""
        return self._evaluated(batch, 1)

    def meter(self) -> Meter:
        """A fresh one."""
        return TranscriptMeter(self.vocabulary)

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"tokens": (B, L), "logp": (B,) the log probability of those tokens over all alignments}."""
        logits, frames = self._answers(batch)
        tokens = self._decode(logits, frames, self.config.beam)
        padded = F.pad(tokens, (0, 1), value=PAD)  # a transcript of a batch without any word has no token
        nll, _, _ = _losses(logits, frames, padded)
        return {"tokens": tokens, "logp": -nll * (padded != PAD).sum(1).clamp(min=1)}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per recording: prediction, the transcript, and its probability."""
        rows = zip(outputs["tokens"].tolist(), outputs["logp"].exp().tolist(), strict=True)
        return [{"prediction": self.vocabulary.decode(tokens), "probability": chance} for tokens, chance in rows]

    def trivial_baseline(
        self, known: Mapping[str, Tensor], evaluated: Mapping[str, Tensor]
    ) -> tuple[str, dict[str, float]]:
        """Always the most frequent transcript."""
        counts = Counter(map(self.vocabulary.decode, known["target"].long().tolist()))
        most = counts.most_common(1)[0][0]
        target = evaluated["target"].long()
        found = torch.tensor(self.vocabulary.encode(most)).expand(len(target), -1)
        meter, nothing = self.meter(), torch.zeros(len(target))
        outputs = {"found": found, "target": target, "loss": nothing, "weight": nothing + 1, "unreachable": nothing}
        meter.update(outputs, torch.arange(len(target)))
        return f"always predicting {most!r}", {name: value for name, value in meter.compute().items() if name != "loss"}

    def _evaluated(self, batch: Batch, width: int) -> Mapping[str, Tensor]:
        logits, frames = self._answers(batch)
        each, weight, unreachable = _losses(logits, frames, batch["target"])
        found = self._decode(logits, frames, width)
        losses = {"loss": each, "weight": weight, "unreachable": unreachable}
        return {"found": found, "target": batch["target"], **losses}

    def _decode(self, logits: Tensor, frames: Tensor, width: int) -> Tensor:
        return likeliest(logits, frames) if width == 1 else beam_search(logits, frames, width)

    def _answers(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B, F, V) and (B,). Raises: ConfigError for a model without an output for each frame"""
        found = self.modules["model"](*batch.fed())
        if not isinstance(found, tuple) or len(found) != 2 or found[0].ndim != 3:
            raise ConfigError(
                "task speech-recognition needs a model that outputs (logits of each frame, frames of each row); use "
                "--model speech-conformer-tiny"
            )
        return wide(found[0]), found[1]


def _losses(logits: Tensor, frames: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(nats a token of each row (B,), its tokens or 0 where there is no alignment (B,), whether that is so (B,) bool)."""
    symbols = (target != PAD) & (target != END)
    tokens = symbols.sum(1)
    repeats = (symbols[:, 1:] & (target[:, 1:] == target[:, :-1])).sum(1)  # between equal symbols stands a blank
    unreachable = frames < tokens + repeats
    logp = logits.log_softmax(-1).transpose(0, 1)  # (F, B, V)
    nll = F.ctc_loss(logp, target, frames, tokens, blank=BLANK, reduction="none", zero_infinity=True)
    return nll / tokens.clamp(min=1), tokens * ~unreachable, unreachable
