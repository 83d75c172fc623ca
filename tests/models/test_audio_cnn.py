import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.audio_cnn import AudioCNN, AudioCNNConfig

SPEC = InputSpec(kind="audio", shape=(4000,), rate=8000)


def built(**settings: object) -> AudioCNN:
    torch.manual_seed(0)
    return AudioCNN(SPEC, 5, AudioCNNConfig(mels=24, **settings)).eval()  # type: ignore[arg-type]


def sound(rows: int = 3) -> torch.Tensor:
    return 0.1 * torch.randn(rows, 4000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("channels", [(8,), (8, 12, 16)])
def test_what_lies_behind_the_end_is_not_heard(channels: tuple[int, ...]) -> None:
    model, lengths = built(widths=channels), torch.tensor([4000, 2100, 900])
    other = sound()
    other[1, 2100:], other[2, 900:] = 5.0, -1.0
    with torch.no_grad():
        found = model(sound(), lengths)
        torch.testing.assert_close(model(other, lengths), found)
        alone = model(sound()[1:2, :2100], lengths[1:2])
    torch.testing.assert_close(found[1:2], alone, atol=1e-5, rtol=1e-4)
    assert found.shape == (3, 5)


def test_how_loud_a_recording_is_says_nothing() -> None:
    model, lengths = built(), torch.tensor([4000, 4000, 4000])
    with torch.no_grad():
        torch.testing.assert_close(model(9 * sound(), lengths), model(sound(), lengths), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mels": 4}, "--mels must be from 8 to 128, got 4"),
        ({"hop_ms": 0.5}, "--hop-ms must be from 1 to 100, got 0.5"),
        ({"widths": ()}, "--widths needs a number of at least 1 for each stage"),
        ({"widths": (8, 0)}, "--widths needs a number of at least 1 for each stage"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        AudioCNNConfig(**settings)  # type: ignore[arg-type]


def test_pitches_that_a_low_rate_cannot_tell_apart_are_refused() -> None:
    low = InputSpec(kind="audio", shape=(4000,), rate=4000)
    with pytest.raises(ConfigError, match="--mels 128: 128 mels are more than 128 samples at 4000 Hz can resolve"):
        AudioCNN(low, 5, AudioCNNConfig(mels=128))
