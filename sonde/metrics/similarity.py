"""How alike two images are: peak signal-to-noise ratio and structural similarity."""

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 7  # pixels: scikit-image's default
K1, K2 = 0.01, 0.03

# B images, C channels


def psnr(image: Tensor, other: Tensor) -> Tensor:
    """(B,) in dB of images (B, C, H, W) with values in 0..1; 100 where they are equal."""
    error = (image - other).square().flatten(1).mean(1)
    return -10 * error.clamp(min=1e-10).log10()


def ssim(image: Tensor, other: Tensor) -> Tensor:
    """(B,) structural similarity of images (B, C, H, W) with values in 0..1, the mean over windows and channels.

    Windows of 7x7 pixels count evenly, variances are unbiased, and windows over the border are left out, as in scikit-image.
    Source: Wang et al. 2004, Image quality assessment: from error visibility to structural similarity, IEEE TIP 13(4)
    """
    side = min(WINDOW, *image.shape[2:])
    count = side * side
    unbiased = count / max(1, count - 1)
    image, other = image.float(), other.float()
    parts = torch.cat([image, other, image * image, other * other, image * other])
    mean_a, mean_b, aa, bb, ab = F.avg_pool2d(parts, side, stride=1).chunk(5)
    var_a, var_b = unbiased * (aa - mean_a * mean_a), unbiased * (bb - mean_b * mean_b)
    both = unbiased * (ab - mean_a * mean_b)
    c1, c2 = K1**2, K2**2
    likeness = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return (likeness / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).flatten(1).mean(1)
