from types import SimpleNamespace
from typing import Any

import pytest

from sonde.augment.sound import parse_sound
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.modalities.audio import recipe as audio
from sonde.run.choose import choose_model
from sonde.tasks.speech_recognition.task import SpeechRecognition
from sonde.tasks.table import build, spec


def dataset(kind: Any, rows: int = 480, rate: int = 8000) -> Any:
    target = TargetSpec(kind=kind, names=("a", "b", "c"), symbols=20 if kind == "tokens" else 0)
    schema = Schema(input=InputSpec(kind="audio", shape=(8000,), rate=rate), target=target)
    return SimpleNamespace(schema=schema, splits={"train": range(rows)})


def test_the_model_suits_what_is_asked_of_a_recording() -> None:
    assert choose_model(dataset("class"), None)[0] == "audio-cnn"
    assert choose_model(dataset("tokens"), None, "speech-recognition")[0] == "speech-conformer-tiny"
    assert spec("speech-recognition").answers.name == "frames"


@pytest.mark.parametrize("rows", [10, 480, 100_000])
def test_how_long_follows_from_how_much_there_is(rows: int) -> None:
    found = audio.settings(dataset("class", rows), "audio-cnn")
    epochs = found["epochs"][0]
    assert audio.FEWEST <= epochs <= audio.MOST
    if rows == 480:
        updates = epochs * -(-rows // found["batch_size"][0])
        assert abs(updates - audio.UPDATES["audio-cnn"]) <= rows / found["batch_size"][0] / 2
    assert all(why for _, why in found.values())


def test_what_it_augments_with_can_be_read() -> None:
    for kind, name in (("class", "audio-cnn"), ("tokens", "speech-conformer-tiny")):
        assert parse_sound(audio.settings(dataset(kind), name)["augment"][0]) is not None


def test_low_rates_have_fewer_pitches() -> None:
    low, high = (audio.settings(dataset("class", rate=rate), "audio-cnn")["mels"][0] for rate in (8000, 16_000))
    assert (low, high) == (40, 64)


def test_the_task_is_built_by_its_name() -> None:
    from torch import nn

    from sonde.core.vocabulary import Characters

    letters = Characters(("a",))
    target = TargetSpec(kind="tokens", names=(), tokenizer=letters.to_json(), symbols=letters.size)
    assert isinstance(build("speech-recognition", nn.Identity(), target), SpeechRecognition)
