"""Images decoded into stored ones of one size without being stretched: grey below or beside them where they are narrower."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.letterbox import GREY, fitted
from sonde.modalities.image.files import decode, pixels, read_header
from sonde.modalities.image.rows import Encoded, content_at

LARGEST_STORED = 320  # default limit of the longer side: objects of a tenth of the picture still have 32 pixels
ALIGNED = 32  # sides are multiples of it, the coarsest stride of detectors, so that no map's cell lies half outside


@dataclass(frozen=True)
class LetterboxedInputs:
    """Encoded images at the upper left of stored ones of `shape` (channels, height, width), scaled to fit."""

    encoded: Encoded
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.encoded)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """uint8 (len(indices), channels, height, width). Raises: DataError naming the image that cannot be decoded."""
        channels, *room = self.shape
        out = np.full((len(indices), *self.shape), GREY, np.uint8)
        for row, index in enumerate(indices):
            content, place = content_at(self.encoded, int(index))
            # from the header: a JPEG decoded at a fraction of its size may differ from it in its proportions
            header = read_header(content, place)
            height, width = fitted(header.height, header.width, (room[0], room[1]))
            image = decode(content, place, near=(height, width))
            out[row, :, :height, :width] = pixels(image, (channels, height, width))
        return out

    def describe(self, index: int) -> str:
        """Where the image is."""
        return self.encoded.describe(index)

    def nbytes(self) -> int:
        """Bytes of the decoded pixels."""
        return len(self.encoded) * int(np.prod(self.shape))


def room_for(sizes: Sequence[tuple[int, int]], requested: int | None) -> tuple[int, int, str]:
    """(height, width, why) of stored images for images of these (height, width): of the median's proportions.

    requested: pixels of the longer side, which else is the images' own, at most `LARGEST_STORED`
    """
    heights, widths = np.array(sizes).T
    height, width = float(np.median(heights)), float(np.median(widths))
    same = bool((heights == height).all() and (widths == width).all())
    longer = requested or min(LARGEST_STORED, max(height, width))
    scale = longer / max(height, width)
    rows, columns = (ALIGNED * max(1, int(np.ceil(round(scale * side, 3) / ALIGNED))) for side in (height, width))
    what = f"images of {height:.0f}x{width:.0f}" if same else f"images of {height:.0f}x{width:.0f} in the middle"
    how = "--image-size" if requested else "--image-size changes the longer side"
    return rows, columns, f"{what} are resized and padded to multiples of {ALIGNED} , aspect ratio kept ({how})"
