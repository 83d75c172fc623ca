"""Folders' and files' names that say more than a class."""

import pytest

from sonde.modalities.image.folder_roles import is_role, mask_of, masks_among, roles_among


@pytest.mark.parametrize(
    "name",
    ["images", "Images", "img", "masks", "label", "annotations", "gtFine", "leftImg8bit", "part_1", "train_images"]
    + ["test_images", "HAM10000_images_part_1", "1st_manual", "JPEGImages", "SegmentationClass", "ground_truth"],
)
def test_roles(name: str) -> None:
    assert is_role(name)


@pytest.mark.parametrize("name", ["cat", "with_mask", "partridge", "test", "imagery", "7", "label 3 wine"])
def test_classes(name: str) -> None:
    assert not is_role(name)


def test_a_word_that_other_folders_share_is_a_class() -> None:
    assert roles_among(["mask", "without_mask", "images"]) == ["images"]


def test_masks_need_their_image() -> None:
    assert mask_of("lesion-seg") == "lesion"
    names = ["a/1.jpg", "a/1_mask.png", "b/1_mask.png", "a/2_gt.png"]
    assert masks_among(names) == {"a/1_mask.png": "a/1.jpg"}
