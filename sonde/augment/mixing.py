"""Examples mixed with others of their batch: mixup blends the pixels, cutmix pastes a box.

Both leave `target` and add `mix_target`, the partner's, and `mix_weight` (B,), the share of `target`.
"""

import numpy as np
import torch
from torch import Tensor

from sonde.augment.images import as_float, box, chosen
from sonde.core.batch import Batch


def beta(alpha: float, count: int, generator: torch.Generator) -> Tensor:
    """(count,) draws from Beta(alpha, alpha), determined by the generator."""
    # torch's beta distribution draws from the global stream only; one number of ours seeds numpy's
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()


def mix(batch: Batch, mixup: float, cutmix: float, generator: torch.Generator) -> Batch:
    """Each row with a partner, by mixup or cutmix of Beta(alpha, alpha); where both are above 0, either is as likely.

    Source: Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899 (the weight is the area that is left)
    """
    count = len(batch)
    partner = torch.randperm(count, generator=generator)
    boxed = torch.rand(count, generator=generator) < (0.5 if mixup and cutmix else float(cutmix > 0))
    pictures, weight = batch["input"], torch.ones(count)
    if cutmix:
        pictures, area = pasted(pictures, partner, beta(cutmix, count, generator), boxed, generator)
        weight = torch.where(boxed, area, weight)
    if mixup:
        share = torch.where(boxed, 1.0, beta(mixup, count, generator))
        # partners of blended rows show what they did before any mixing
        pictures = blended(pictures, batch["input"], partner, share)
        weight = torch.where(boxed, weight, share)
    device = pictures.device
    partner, weight = partner.to(device, non_blocking=True), weight.to(device, non_blocking=True)
    fields = {**batch.fields, "input": pictures, "mix_weight": weight}
    if "target" in batch:
        fields["mix_target"] = batch["target"].index_select(0, partner)
    if "mask" in batch:
        # a mixture counts only where both its targets are known
        fields["mask"] = batch["mask"] * batch["mask"].index_select(0, partner)
    return Batch(fields, batch.index)


def blended(pictures: Tensor, others: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """share x picture + (1 - share) x its partner among `others`, as float; `share`, `partner` (B,)."""
    other = as_float(others.index_select(0, partner.to(others.device, non_blocking=True)))
    share = share.to(pictures.device, non_blocking=True).view(-1, *[1] * (pictures.ndim - 1))
    return torch.lerp(other, as_float(pictures), share)


def pasted(
    pictures: Tensor, partner: Tensor, share: Tensor, where: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A box of the partner's, about 1 - share of the area, in the rows `where`; and (B,) the exact area that is left."""
    height, width = pictures.shape[2:]
    side = (1 - share).sqrt()
    tall, wide = (side * height).round(), (side * width).round()
    middle = torch.rand(2, len(share), generator=generator)
    top, left = (middle[0] * height - tall / 2).round(), (middle[1] * width - wide / 2).round()
    bottom, right = (top + tall).clamp(max=height), (left + wide).clamp(max=width)
    top, left = top.clamp(min=0), left.clamp(min=0)
    area = (bottom - top).clamp(min=0) * (right - left).clamp(min=0) / (height * width)
    inside = box(pictures, top, left, bottom, right) & where.to(pictures.device).view(-1, 1, 1, 1)
    other = pictures.index_select(0, partner.to(pictures.device, non_blocking=True))
    return chosen(inside, other, pictures), 1 - area
