"""The loss of a masked autoencoder: the error of the masked patches, each normalised by itself."""

from torch import Tensor

EPS = 1e-6  # added to a patch's variance, as in the paper's own code: a patch of one colour has none

# B rows, C channels, T patches, V = C * patch * patch numbers of a patch


def patches_of(images: Tensor, patch: int) -> Tensor:
    """Images cut into squares, row by row: (B, C, H, W) -> (B, T, V)."""
    cut = images.unfold(2, patch, patch).unfold(3, patch, patch)  # (B, C, rows, columns, patch, patch)
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


def images_of(patches: Tensor, patch: int, grid: tuple[int, int]) -> Tensor:
    """The images that `patches_of` cut: (B, T, V) -> (B, C, H, W), of a grid of T patches (rows, columns)."""
    rows, columns = grid
    cut = patches.unflatten(2, (-1, patch, patch)).unflatten(1, (rows, columns))  # (B, rows, columns, C, patch, patch)
    return cut.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def normalised(patches: Tensor) -> Tensor:
    """Each patch with mean 0 and deviation 1, which the paper found the better target: (B, T, V) -> (B, T, V)."""
    mean, variance = patches.mean(2, keepdim=True), patches.var(2, keepdim=True)
    return (patches - mean) / (variance + EPS).sqrt()


def restored(predicted: Tensor, patches: Tensor) -> Tensor:
    """Predictions of `normalised` patches in the scale of the patches themselves, whose mean and deviation are not predicted."""
    mean, variance = patches.mean(2, keepdim=True), patches.var(2, keepdim=True)
    return predicted * (variance + EPS).sqrt() + mean


def masked_error(predicted: Tensor, patches: Tensor, masked: Tensor) -> Tensor:
    """Mean squared error over the masked patches of each image: (B, T, V) twice, (B, T) bool -> (B,).

    Source: He et al. 2021, Masked autoencoders are scalable vision learners, arXiv:2111.06377, section 3
    """
    each = (predicted - normalised(patches)).square().mean(2)  # (B, T)
    return (each * masked).sum(1) / masked.sum(1)
