"""What a contrastive task minimises: two views of a row should be similar, and dissimilar to those of all other rows."""

import torch
import torch.nn.functional as F
from torch import Tensor

# B rows, P numbers of a projection


def nt_xent(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy: two views (B, P) each -> (B,), the mean over both views of a row.

    Each of the 2B projections is to pick its partner among the 2B - 1 others, by cosine similarity over `temperature`; a
    batch of one row has no others, and costs nothing. Always in float32 at least: similarities are close to one another.
    Source: Chen et al. 2020, A simple framework for contrastive learning of visual representations, arXiv:2002.05709, section 2.1
    """
    rows = len(first)
    with torch.autocast(first.device.type, enabled=False):
        views = torch.cat([first, second])
        views = F.normalize(views if views.dtype == torch.float64 else views.float(), dim=1)
        similarity = (views @ views.T) / temperature  # (2B, 2B)
    itself = torch.eye(2 * rows, dtype=torch.bool, device=views.device)
    partner = torch.arange(2 * rows, device=views.device).roll(rows)
    each = F.cross_entropy(similarity.masked_fill(itself, -torch.inf), partner, reduction="none")
    return each.view(2, rows).mean(0)
