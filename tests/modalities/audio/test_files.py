from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonde.core.errors import DataError
from sonde.modalities.audio.files import decode, read_header, read_samples, usual_rate


def write(path: Path, samples: np.ndarray, rate: int = 8_000, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def tone(rate: int = 8_000, seconds: float = 0.1, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 500 * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize(
    ("name", "subtype", "exact"),
    [
        ("a.wav", "PCM_16", 4e-5),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "FLOAT", 1e-7),
        ("a.wav", "PCM_U8", 1e-2),
        ("a.flac", "PCM_16", 4e-5),
    ],
)
def test_every_kind_of_samples_is_read_as_the_same_floats(
    tmp_path: Path, name: str, subtype: str, exact: float
) -> None:
    path = write(tmp_path / name, tone(), subtype=subtype)
    header, (samples, rate) = read_header(path), read_samples(path)
    assert (header.samples, header.rate, header.channels, rate) == (800, 8_000, 1, 8_000)
    np.testing.assert_allclose(samples, tone(), atol=exact)


def test_channels_are_mixed_down(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.stack([tone(), np.zeros(800)], 1))
    assert read_header(path).channels == 2
    np.testing.assert_allclose(read_samples(path)[0], tone() / 2, atol=2e-5)


def test_files_of_all_rates_are_decoded_into_one_place(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{rate}.wav", tone(rate), rate) for rate in (8_000, 16_000, 44_100)]
    found = decode(paths, [read_header(path) for path in paths], 8_000)
    assert found.samples.lengths().tolist() == [800, 800, 800]
    for row in range(3):
        np.testing.assert_allclose(found.samples[row][100:-100] / 32_768, tone()[100:-100], atol=2e-3)


def test_loud_and_silent_ones_are_measured(tmp_path: Path) -> None:
    clipped = np.clip(tone(amplitude=3.0), -1, 1)
    paths = [write(tmp_path / f"{n}.wav", s) for n, s in enumerate((tone(), clipped, np.zeros(50)))]
    found = decode(paths, [read_header(path) for path in paths], 8_000)
    assert found.peaks == pytest.approx([0.5, 1.0, 0.0], abs=1e-4)
    assert found.clipped[1] == pytest.approx((np.abs(clipped) >= 1).mean(), abs=1e-3)
    assert (found.clipped[0], found.clipped[2]) == (0, 0)


def test_a_file_cut_off_leaves_no_gap(tmp_path: Path) -> None:
    whole, cut = (write(tmp_path / name, tone()) for name in ("whole.wav", "cut.wav"))
    header = read_header(cut)
    cut.write_bytes(cut.read_bytes()[: 44 + 2 * 300])
    found = decode([cut, whole], [header, read_header(whole)], 8_000)
    assert found.samples.lengths().tolist() == [300, 800]
    np.testing.assert_allclose(found.samples[1] / 32_768, tone(), atol=4e-5)


def test_the_rate_of_most_is_taken(tmp_path: Path) -> None:
    headers = [
        read_header(write(tmp_path / f"{n}.wav", tone(rate), rate)) for n, rate in enumerate((8000, 8000, 16_000))
    ]
    assert usual_rate(headers) == 8000
    assert usual_rate(headers[1:]) == 16_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.wav is empty \(0 bytes\); remove it, or copy it again"),
        (
            b"RIFX no sound at all, but some text",
            r"a\.wav cannot be read as audio \(Format not recognised\); remove it",
        ),
        (None, r"a\.wav does not exist; fix its name"),
    ],
)
def test_what_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    for read in (read_header, read_samples):
        with pytest.raises(DataError, match=message):
            read(path)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(0))
    for read in (read_header, read_samples):
        with pytest.raises(DataError, match=r"a\.wav holds no samples; remove it"):
            read(path)


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.array([0.0, np.nan]), subtype="FLOAT")
    with pytest.raises(DataError, match=r"a\.wav holds samples that are NaN or infinite"):
        read_samples(path)


@pytest.mark.parametrize("rate", [1, 999, 2_000_000])
def test_rates_that_no_recording_has_are_refused_from_the_header(tmp_path: Path, rate: int) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(400, np.int16), rate, subtype="PCM_16")
    with pytest.raises(
        DataError, match=rf"a.wav says that it holds {rate:,} samples a second, which no recording does"
    ):
        read_header(tmp_path / "a.wav")
