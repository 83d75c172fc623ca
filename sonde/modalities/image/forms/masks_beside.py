"""Masks beside their images: a.png, a_mask.png, a_mask_1.png; in class folders where segmentation is asked for."""

from sonde.data.listing import Listing
from sonde.modalities.image.files import SUFFIXES
from sonde.modalities.image.folder_roles import masks_among
from sonde.modalities.image.forms import masks
from sonde.modalities.image.forms.class_folders import images_below
from sonde.modalities.modality import Wanted

read = masks.read


def recognise(listing: Listing, wanted: Wanted) -> str | None:
    """Why a folder holds images with masks beside them, None if it does not, or has folders that are taken for classes."""
    wants_masks = wanted.task == "segmentation" or (wanted.like is not None and wanted.like.target.kind == "mask")
    if not wants_masks and any(not folder.endings.isdisjoint(SUFFIXES) for folder in listing.folders):
        return None
    found = masks_among(images_below(listing, listing.path)) if listing.is_dir else {}
    return f"{len(found):,} masks beside their images, such as {next(iter(found))}" if found else None
