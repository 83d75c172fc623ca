from collections.abc import Callable

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.speech import ConvolutionPart, SpeechConfig, SpeechEncoder, speech_conformer_tiny, speech_transformer

SPEC = InputSpec(kind="audio", shape=(4000,), rate=8000)
BUILDERS = [speech_conformer_tiny, speech_transformer]


def built(
    builder: Callable[..., SpeechEncoder] = speech_conformer_tiny, spec: InputSpec = SPEC, **settings: object
) -> SpeechEncoder:
    torch.manual_seed(0)
    return builder(spec, 7, SpeechConfig(mels=24, **{"layers": 1, **settings})).eval()  # type: ignore[arg-type]


def sound(rows: int = 2, samples: int = 4000) -> torch.Tensor:
    return 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize(("stride", "frames"), [(2, [26, 11]), (4, [13, 6])])
def test_frames_are_halved_once_or_twice(builder, stride: int, frames: list[int]) -> None:  # type: ignore[no-untyped-def]
    lengths = torch.tensor([4000, 1650])  # 51 and 21 frames of 80 samples
    with torch.no_grad():
        logits, found = built(builder, subsampling=stride)(sound(), lengths)
    assert found.tolist() == frames
    assert logits.shape == (2, frames[0], 7)


def test_short_recordings_keep_more_frames() -> None:
    long = InputSpec(kind="audio", shape=(24_000,), rate=8000)
    counts = [len(built(spec=spec).subsampling.convs) for spec in (SPEC, long)]
    assert counts == [1, 2]


@pytest.mark.parametrize("builder", BUILDERS)
def test_what_lies_behind_the_end_is_not_heard(builder) -> None:  # type: ignore[no-untyped-def]
    model, lengths = built(builder, layers=2, subsampling=4), torch.tensor([4000, 1650])
    other = sound()
    other[1, 1650:] = 3.0
    with torch.no_grad():
        found, frames = model(sound(), lengths)
        again, _ = model(other, lengths)
        alone, _ = model(sound()[1:, :1650], lengths[1:])
    torch.testing.assert_close(again[1, : frames[1]], found[1, : frames[1]])
    torch.testing.assert_close(alone[0], found[1, : frames[1]], atol=1e-5, rtol=1e-4)


def test_the_convolution_reaches_half_its_kernel_and_no_further() -> None:
    torch.manual_seed(0)
    part = ConvolutionPart(8, 5, 0.0).eval()
    frames = torch.randn(1, 20, 8)
    moved = frames.clone()
    moved[0, 10, 0] += 1
    inside = torch.ones(1, 20, 1, dtype=torch.bool)
    with torch.no_grad():
        changed = (part(moved, inside) - part(frames, inside)).abs().sum(-1)[0] > 1e-7
    assert changed.nonzero().flatten().tolist() == [8, 9, 10, 11, 12]


def test_attention_reaches_everywhere_and_knows_the_order() -> None:
    model, lengths = built(speech_transformer, subsampling=2), torch.tensor([4000, 4000])
    with torch.no_grad():
        spectrogram = model.log_mel(sound(), lengths)[0]
        first, frames = model.subsampling(spectrogram, torch.tensor([51, 51]))
        rotary = torch.randn(26, 2, 16)
        inside = torch.ones(2, 26, dtype=torch.bool)
        before = model.blocks[0](first, inside, rotary)
        other = first.clone()
        other[:, 25] += 1
        assert ((model.blocks[0](other, inside, rotary) - before).abs().sum(-1) > 1e-6).all()
        assert not torch.allclose(model.blocks[0](first.flip(1), inside, rotary).flip(1), before, atol=1e-4)
    assert frames.tolist() == [26, 26]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mels": 200}, "--mels must be from 8 to 128, got 200"),
        ({"subsampling": 3}, "--subsampling is 2 or 4, or auto, got 3"),
        ({"layers": 0}, "--layers must be at least 1, got 0"),
        ({"dropout": -0.1}, "--dropout must be at least 0 and below 1, got -0.1"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        SpeechConfig(**settings)  # type: ignore[arg-type]
