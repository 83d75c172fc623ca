from dataclasses import replace

import torch
from tones import RATE, tone

from sonde.core.dataset import InputSpec
from sonde.nn.sound_code import clip_samples, levels_of
from sonde.tasks.input_code import InputCode, network_input, sound_input

SIZE = clip_samples(0.2, RATE)
SOUND = torch.from_numpy(tone(500.0, 0.2)).float()[None]
LEVELS = levels_of([SOUND], RATE, SIZE)
CLIP = InputSpec(
    kind="audio", shape=(SIZE,), rate=RATE, mean=LEVELS.mean, std=LEVELS.std, scale=LEVELS.floor, read_as="image"
)


def test_networks_see_clips_as_pictures() -> None:
    seen = network_input(CLIP)
    assert seen == sound_input(CLIP) == replace(CLIP, shape=(1, 64, SIZE // 96), mean=(), std=(), scale=0.0)
    code = InputCode(CLIP)
    assert not code.keeps
    assert code.encode(SOUND).shape == (1, *code.shape)
    assert code.decode(code.encode(SOUND)).shape == (1, SIZE)


def test_images_and_arrays_stay_as_they_are() -> None:
    image = InputSpec(kind="image", shape=(3, 8, 8), mean=(0.5,) * 3, std=(0.2,) * 3)
    assert network_input(image) is image
    assert sound_input(image) is image
    assert InputCode(image).keeps
    given = torch.rand(2, 3, 8, 8)
    assert InputCode(image).encode(given) is given
