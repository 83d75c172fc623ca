from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sample_tasks import stepper
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Task, abilities_of
from sonde.core.vocabulary import END, Characters
from sonde.tasks.speech_recognition.config import SpeechRecognitionConfig
from sonde.tasks.speech_recognition.task import SpeechRecognition

LETTERS = Characters(("a", "b", "c"))
TARGET = TargetSpec(kind="tokens", names=(), tokenizer=LETTERS.to_json(), symbols=LETTERS.size)
FRAME = 10  # samples


class Framed(nn.Module):
    """Each frame of samples by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FRAME, 32), nn.ReLU(), nn.Linear(32, LETTERS.size))

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.layers(waveform.unflatten(1, (-1, FRAME))), lengths // FRAME


def batch(texts: tuple[str, ...] = ("ab", "cab", "b", "acbc"), longest: int = 8, seed: int = 0) -> Batch:
    """Two frames of a tone for every letter, and noise behind each one's end, which nothing may hear."""
    generator = torch.Generator().manual_seed(seed)
    sound = torch.randn(len(texts), longest * FRAME, generator=generator)
    rows, lengths = [], []
    for row, text in enumerate(texts):
        for place, token in enumerate(LETTERS.encode(text)):
            sound[row, 2 * place * FRAME : 2 * (place + 1) * FRAME] = float(token - 3)
        lengths.append(2 * len(text) * FRAME)
        rows.append(torch.tensor([*LETTERS.encode(text), END]))
    target = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return Batch({"input": sound, "lengths": torch.tensor(lengths), "target": target}, torch.arange(len(texts)))


def task(**settings: Any) -> SpeechRecognition:
    torch.manual_seed(0)
    return SpeechRecognition(Framed(), TARGET, SpeechRecognitionConfig(**settings))


def judged(made: SpeechRecognition, given: Batch) -> dict[str, float]:
    meter = made.meter()
    with torch.inference_mode():
        meter.update(made.evaluate(given), given.index)
    return meter.compute()


@pytest.mark.parametrize("beam", [1, 4])
def test_it_learns_what_is_said(beam: int) -> None:
    made, given = task(beam=beam), batch()
    assert isinstance(made, Task)
    assert abilities_of(made).quick_evaluate is not None
    assert abilities_of(made).trivial_baseline is not None
    run = stepper(made, lr=0.02)
    values = [run(given, step=step, epoch=0).number("model/loss") for step in range(1, 81)]
    assert values[-1] < 0.2 * values[0]
    scores = judged(made, given)
    assert (scores["wer"], scores["cer"], scores["accuracy"]) == (0, 0, 1)
    assert made.objective[:2] == ("wer", "min")
    said = made.format_predictions(made.predict(given))
    assert [row["prediction"] for row in said] == ["ab", "cab", "b", "acbc"]
    assert all(0.3 < row["probability"] <= 1 for row in said)


def test_the_loss_is_torchs_over_the_tokens_of_all_rows() -> None:
    made, given = task(), batch()
    logits, frames = made.modules["model"](*given.fed())
    lengths = torch.tensor([2, 3, 1, 4])
    each = [
        F.ctc_loss(logits[row, : frames[row], None].log_softmax(-1), given["target"][row, : lengths[row]],
                   frames[row], lengths[row], reduction="sum")
        for row in range(4)
    ]  # fmt: skip
    loss = made.loss(given)
    assert float(loss.weight) == 10
    torch.testing.assert_close(loss.value, torch.stack(each).sum() / 10)
    assert judged(made, given)["loss"] == pytest.approx(loss.value.item(), rel=1e-5)


def test_pieces_of_a_batch_give_its_gradient() -> None:
    made, given = task(), batch()
    whole = torch.autograd.grad(made.loss(given).value, list(made.modules.parameters()))
    pieces = [made.loss(piece) for piece in given.split(3)]
    total = sum(float(piece.weight) for piece in pieces)
    summed = torch.autograd.grad(
        torch.stack([piece.value * float(piece.weight) / total for piece in pieces]).sum(),
        list(made.modules.parameters()),
    )
    for one, two in zip(whole, summed, strict=True):
        torch.testing.assert_close(one, two)


def test_rows_with_too_few_frames_count_nowhere_but_are_counted() -> None:
    made = task()
    fine = batch(("ab", "cab"))
    # "aa" needs three frames, since a blank stands between, and gets two; "aab" needs four and has them
    short = batch(("ab", "cab", "aa", "aab"))
    short = Batch({**short.fields, "lengths": torch.tensor([40, 60, 20, 40])}, short.index)
    found = made.loss(short)
    expected = made.loss(Batch({n: f[[0, 1, 3]] for n, f in short.fields.items()}, short.index[:3]))
    assert (float(found.weight), float(expected.weight), float(made.loss(fine).weight)) == (8, 8, 5)
    torch.testing.assert_close(found.value, expected.value)
    assert found.value.isfinite()
    assert found.parts["unreachable"].item() == 0.25
    assert judged(made, short)["unreachable"] == 0.25
    assert expected.parts["unreachable"].item() == 0
    gradient = torch.autograd.grad(found.value, list(made.modules.parameters()))
    assert all(part.isfinite().all() for part in gradient)


def test_a_batch_of_such_rows_alone_has_no_weight() -> None:
    given = batch(("aa",))
    loss = task().loss(Batch({**given.fields, "lengths": torch.tensor([10])}, given.index))
    assert (loss.value.item(), float(loss.weight)) == (0, pytest.approx(0, abs=1e-20))


def test_silence_is_read_as_nothing() -> None:
    made, given = task(), batch()
    with torch.no_grad():
        for parameter in made.modules.parameters():
            parameter.zero_()
        made.modules["model"].layers[2].bias[0] = 20.0  # type: ignore[index, union-attr]
    said = made.format_predictions(made.predict(given))
    assert [row["prediction"] for row in said] == [""] * 4
    assert all(row["probability"] == pytest.approx(1, abs=1e-4) for row in said)
    assert judged(made, given)["wer"] == 1


def test_the_trivial_answer_is_the_most_frequent_transcript() -> None:
    target = batch(("ab", "cab", "ab", "b"))["target"].float()  # as rows of a split are handed over
    what, scores = task().trivial_baseline({"target": target}, {"target": target})
    assert what == "always predicting 'ab'"
    assert (scores["wer"], scores["accuracy"]) == (0.5, 0.5)
    assert "loss" not in scores


def test_what_does_not_suit_is_refused() -> None:
    with pytest.raises(ConfigError, match="^--beam must be at least 1, got 0"):
        SpeechRecognitionConfig(beam=0)
    with pytest.raises(
        ConfigError, match="^task speech-recognition needs transcripts; leave --task speech-recognition out"
    ):
        SpeechRecognition(Framed(), TargetSpec(kind="class", names=("a", "b")), SpeechRecognitionConfig())
    with pytest.raises(ConfigError, match="unknown metric to monitor 'werr'; did you mean 'wer'"):
        SpeechRecognition(Framed(), TARGET, SpeechRecognitionConfig(), monitor="werr")

    class OneAnswer(nn.Module):
        def forward(self, waveform: Tensor, lengths: Tensor) -> Tensor:
            return waveform[:, :3]

    with pytest.raises(ConfigError, match=r"needs a model that outputs \(logits of each frame, frames of each row\)"):
        SpeechRecognition(OneAnswer(), TARGET, SpeechRecognitionConfig()).loss(batch())
