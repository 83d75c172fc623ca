"""Changes of what pixels show: float (B, C, H, W) in 0..1 in, the same out, every image with its own strength (B,)."""

import math

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue look


def grey(images: Tensor) -> Tensor:
    """(B, 1, H, W) brightness."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    weights = torch.tensor([LUMA], device=images.device, dtype=images.dtype)
    return (weights @ images.flatten(2)).unflatten(2, images.shape[2:])


def _middle(images: Tensor) -> Tensor:
    """(B, 1, 1, 1) mean brightness."""
    return grey(images.mean((2, 3), keepdim=True))


def jitter(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor) -> Tensor:
    """Brightness, contrast and saturation times (B,) factors, hue turned by (B,) radians; clamped to 0..1.

    All four are linear in the pixel, so they are one 3 x 3 matrix per image. Hue turns in the YIQ plane, which keeps
    brightness exactly; images that are not red, green, blue keep to brightness and contrast.
    """
    gain = (brightness * contrast).to(images.device).view(-1, 1, 1)
    lift = (brightness * (1 - contrast)).to(images.device).view(-1, 1, 1) * _middle(images).flatten(1, 2)
    if images.shape[1] == 3:
        # every row of the matrix sums to one: turning colours moves neither the mean brightness nor what is lifted
        turn = _colour_matrix(saturation, hue).to(images.device)
        return torch.baddbmm(lift, turn * gain, images.flatten(2)).view_as(images).clamp_(0, 1)
    return (images.flatten(2) * gain).add_(lift).view_as(images).clamp_(0, 1)


def randomly_jittered(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation times 1 ± `strength`, each image's own; hue by a tenth of a circle times it."""
    drawn = torch.rand(4, len(images), generator=generator) * 2 - 1
    brightness, contrast, saturation = 1 + strength * drawn[:3]
    return jitter(images, brightness, contrast, saturation, hue_radians(strength) * drawn[3])


def _colour_matrix(saturation: Tensor, hue: Tensor) -> Tensor:
    """(B, 3, 3) on RGB: the colour plane scaled by `saturation` and turned by `hue` radians, brightness kept."""
    to_yiq = torch.tensor([LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)], dtype=torch.float64)
    cos, sin = hue.double().cos() * saturation, hue.double().sin() * saturation
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    turn = torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(-1, 3, 3)
    return (torch.linalg.inv(to_yiq) @ turn @ to_yiq).float()


def hue_radians(strength: float) -> float:
    """Largest turn of hue for a colour strength in 0..1: a tenth of a circle at most, or grass turns purple."""
    return 2 * math.pi * 0.1 * strength


def brightened(images: Tensor, factor: Tensor) -> Tensor:
    """Times `factor`."""
    return (images * _each(factor, images)).clamp_(0, 1)


def contrasted(images: Tensor, factor: Tensor) -> Tensor:
    """Away from (above 1) or towards (below 1) the image's mean brightness."""
    return _blend(_middle(images), images, factor)


def saturated(images: Tensor, factor: Tensor) -> Tensor:
    """Away from or towards its own brightness in grey."""
    return _blend(grey(images), images, factor)


def sharpened(images: Tensor, factor: Tensor) -> Tensor:
    """Away from or towards a 3 x 3 blur; the outermost pixels stay, as in Pillow's filter."""
    channels = images.shape[1]
    kernel = torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]], device=images.device, dtype=images.dtype) / 13
    soft = images.clone()
    if min(images.shape[2:]) > 2:
        weight = kernel.expand(channels, 1, 3, 3)
        soft[:, :, 1:-1, 1:-1] = torch.nn.functional.conv2d(images, weight, groups=channels)
    return _blend(soft, images, factor)


def solarised(images: Tensor, threshold: Tensor) -> Tensor:
    """Values at or above `threshold` turned into their negative."""
    return torch.where(images >= _each(threshold, images), 1 - images, images)


def posterised(images: Tensor, bits: Tensor) -> Tensor:
    """Only the highest `bits` of eight kept."""
    step = _each(2 ** (8 - bits), images)
    return (images * 255).round().div_(step).floor_().mul_(step).div_(255)


def stretched(images: Tensor) -> Tensor:
    """Each channel spread so that its darkest value is 0 and its brightest 1; flat channels stay."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    spread = high - low
    return torch.where(spread > 0, (images - low) / spread.clamp(min=1e-12), images)


def equalised(images: Tensor) -> Tensor:
    """Each channel's 256 levels spread so that they are about equally frequent, by Pillow's rule."""
    levels = (images * 255).round().clamp(0, 255).long().flatten(2)  # (B, C, HW)
    counts = torch.zeros(*levels.shape[:2], 256, dtype=torch.long, device=images.device)
    counts.scatter_add_(2, levels, torch.ones_like(levels))
    brightest = counts.gather(2, levels.amax(2, keepdim=True))
    step = (levels.shape[2] - brightest) // 255  # (B, C, 1); 0 leaves the channel as it is
    before = counts.cumsum(2) - counts
    table = ((before + step // 2) // step.clamp(min=1)).clamp(max=255)
    spread = table.gather(2, levels).view_as(images).to(images.dtype) / 255
    return torch.where(step.view(*step.shape, 1) > 0, spread, images)


def _blend(other: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    """`other` at factor 0, the images at 1, beyond them above."""
    return torch.lerp(other.expand_as(images), images, _each(factor, images)).clamp_(0, 1)


def _each(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images.device, images.dtype).view(-1, 1, 1, 1)
