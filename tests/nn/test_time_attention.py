import pytest
import torch
import torch.nn.functional as F

from sonde.nn.time_attention import FramesAround, NormOfClip, TimeAttention

CLIPS, FRAMES, WIDTH, HEADS = 2, 3, 8, 2


def moved(layer: torch.nn.Module) -> None:
    torch.manual_seed(0)
    layer.double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)


def normed(given: torch.Tensor, norm: NormOfClip) -> torch.Tensor:
    """By the statistics of each clip and group of two channels, slowly."""
    found = torch.empty_like(given)
    for clip in range(CLIPS):
        for group in range(4):
            rows, channels = slice(clip * FRAMES, (clip + 1) * FRAMES), slice(2 * group, 2 * group + 2)
            part = given[rows, channels]
            found[rows, channels] = (part - part.mean()) / (part.var(correction=0) + 1e-5).sqrt()
    return found * norm.weight[:, None, None] + norm.bias[:, None, None]


@pytest.mark.parametrize(
    "layer", [TimeAttention(WIDTH, HEADS, FRAMES, groups=4), FramesAround(WIDTH, FRAMES, groups=4)]
)
def test_it_begins_as_if_each_frame_stood_alone(layer: torch.nn.Module) -> None:
    given = torch.randn(CLIPS * FRAMES, WIDTH, 2, 5)
    assert torch.equal(layer(given), given)


def test_frames_are_normalised_by_their_clip() -> None:
    layer, given = NormOfClip(4, WIDTH, FRAMES), torch.randn(CLIPS * FRAMES, WIDTH, 2, 5, dtype=torch.float64)
    moved(layer)
    torch.testing.assert_close(layer(given), normed(given, layer))


def test_three_frames_are_convolved_and_none_stands_beyond_the_ends() -> None:
    layer, given = FramesAround(WIDTH, FRAMES, groups=4), torch.randn(CLIPS * FRAMES, WIDTH, 2, 5, dtype=torch.float64)
    moved(layer)
    clips = F.silu(normed(given, layer.norm)).view(CLIPS, FRAMES, WIDTH, 2, 5)
    weight = (
        layer.mix.weight[:, :, 0, 0].view(WIDTH, 3, WIDTH).permute(0, 2, 1)[..., None, None]
    )  # (out, in, time, 1, 1)
    slow = F.conv3d(clips.transpose(1, 2), weight, layer.mix.bias, padding=(1, 0, 0)).transpose(1, 2)
    torch.testing.assert_close(layer(given), given + slow.reshape(given.shape))


def test_each_place_attends_to_itself_in_the_other_frames() -> None:
    layer, given = (
        TimeAttention(WIDTH, HEADS, FRAMES, groups=4),
        torch.randn(CLIPS * FRAMES, WIDTH, 2, 5, dtype=torch.float64),
    )
    moved(layer)
    seen = normed(given, layer.norm)
    weight, bias = layer.qkv.weight[:, :, 0, 0], layer.qkv.bias
    assert bias is not None
    slow = torch.zeros_like(given)
    for clip in range(CLIPS):
        for y in range(2):
            for x in range(5):
                row = seen[clip * FRAMES : (clip + 1) * FRAMES, :, y, x] @ weight.T + bias  # (T, 3 width)
                query, key, value = row.view(FRAMES, 3, HEADS, WIDTH // HEADS).unbind(1)
                for head in range(HEADS):
                    for at in range(FRAMES):
                        scores = torch.stack(
                            [
                                query[at, head] @ key[other, head] / (WIDTH // HEADS) ** 0.5
                                + layer.apart[head, at - other + FRAMES - 1]
                                for other in range(FRAMES)
                            ]
                        )
                        part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
                        slow[clip * FRAMES + at, part, y, x] = scores.softmax(0) @ value[:, head]
    torch.testing.assert_close(layer(given), given + F.conv2d(slow, layer.out.weight, layer.out.bias))
