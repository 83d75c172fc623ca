"""Images, with classes, masks, boxes or no labels at all."""

from sonde.modalities.image.config import ImageConfig
from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.modality import FILES as TABLES

FILES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pbm",
    ".avif",
    ".heic",
    ".heif",
)
IMAGE_FOLDERS = (
    "images",
    "imgs",
    "jpegimages",
    "image",
    "img",
    "leftimg8bit",
)  # of images that have masks or annotations beside them
MASKS_BESIDE = ("train_labels", "train_masks", "train_mask", "train_label", "trainannot", "train_gt")  # train/
IDX = ("", ".gz", ".ubyte", *(f".idx{axes}{rest}" for axes in range(10) for rest in ("", "-ubyte")))

IMAGE = Modality(
    kind="image",
    noun="images",
    input_word="IMAGE",
    absent="holds no images",
    rows_to_predict="sonde.modalities.image.inputs:rows_to_predict",
    embedded={"digits": "sonde.modalities.image.forms.digits:read"},
    config=ImageConfig,
    reads=("target", "columns", "group"),
    augmentation="sonde.modalities.image.augmentation:augmentation",
    show="sonde.modalities.image.show:show",
    inspect="sonde.modalities.image.inspection:PARTS",
    activations_per_value="sonde.modalities.image.augmentation:activations_per_value",
    recipe="sonde.modalities.image.recipe",
    forms=(
        Form(
            name="class folders of images",
            sure=65,
            module="sonde.modalities.image.forms.class_folders",
            endings=FILES,
            instead_of_columns="class folders",
        ),
        Form(
            name="images beside masks",
            sure=75,
            module="sonde.modalities.image.forms.masks",
            endings=FILES,
            folders=(*IMAGE_FOLDERS, *MASKS_BESIDE),
            tasks=("segmentation",),
            targets=("mask",),
            instead_of_columns="masks",
        ),
        Form(
            name="outlines in COCO's JSON",
            sure=74,
            module="sonde.modalities.image.forms.coco_masks",
            endings=(".json",),
            tasks=("segmentation",),
            targets=("mask",),
            only_for_tasks=True,
            instead_of_columns="outlines",
        ),
        Form(
            name="images with boxes (VOC, COCO, YOLO, CVAT, imglab)",
            sure=70,
            module="sonde.modalities.image.forms.boxes",
            endings=(".xml", ".json", ".txt", ".yaml", ".yml", *TABLES),
            tasks=("detection",),
            targets=("boxes",),
            instead_of_columns="boxes",
        ),
        Form(
            name="images named in a table",
            sure=82,
            module="sonde.modalities.image.forms.named_in_table",
            endings=TABLES,
        ),
        Form(
            name="images with NAME_mask beside them",
            sure=64,
            module="sonde.modalities.image.forms.masks_beside",
            endings=FILES,
            tasks=("segmentation",),
            targets=("mask",),
            instead_of_columns="masks",
        ),
        Form(
            name="IDX files",
            sure=95,
            module="sonde.modalities.image.forms.idx",
            endings=IDX,
            packed=True,
            instead_of_columns="labels files",
        ),
        Form(
            name="Parquet or Arrow files with images",
            sure=85,
            module="sonde.modalities.image.forms.parquet",
            endings=(".parquet", ".pq", ".arrow"),
            packed=True,
        ),
        Form(
            name="images without labels",
            sure=10,
            module="sonde.modalities.image.forms.unlabelled",
            endings=FILES,
            tasks=("simclr", "masked-autoencoder"),
            targets=("none",),
            only_for_tasks=True,
            folds=False,
            instead_of_columns="images without labels",
        ),
    ),
)
