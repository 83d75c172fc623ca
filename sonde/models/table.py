"""The models by name: who builds each, where it comes from, what it costs. A table of strings: listing it imports nothing."""

from sonde.models.entry import Entry
from sonde.models.sequence_table import SEQUENCES

GREY = (1, 28, 28)
THUMBNAIL = (3, 32, 32)
PHOTO = (3, 224, 224)
TILE = (3, 256, 256)
STORED = (3, 320, 320)  # images with boxes, as they are stored
_LENET = "LeCun et al. 1998, Gradient-based learning applied to document recognition, Proc. IEEE 86(11)"
_MLP = "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323"
_JORDAN = "after Jordan 2024, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498"
_HE = "He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385"
_ALEXNET = "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997"
_VGG = (
    "Simonyan and Zisserman 2014, Very deep convolutional networks for large-scale image recognition, arXiv:1409.1556"
)
_GOOGLENET = "Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842"
_INCEPTION = "Szegedy et al. 2015, Rethinking the Inception architecture for computer vision, arXiv:1512.00567"
_PERCEPTRON = "Rosenblatt 1958, The perceptron, Psychological Review 65(6)"
_TABM = "Gorishniy et al. 2024, TabM, arXiv:2410.24210"
_LIU = "Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545"
_VIT = "Dosovitskiy et al. 2020, An image is worth 16x16 words, arXiv:2010.11929"
_DEIT = "Touvron et al. 2020, Training data-efficient image transformers, arXiv:2012.12877"
_XIE = "Xie et al. 2016, Aggregated residual transformations for deep neural networks, arXiv:1611.05431"
_ZAGORUYKO = "Zagoruyko and Komodakis 2016, Wide residual networks, arXiv:1605.07146"
_HE_PREACT = "He et al. 2016, Identity mappings in deep residual networks, arXiv:1603.05027"
_HUANG = "Huang et al. 2016, Densely connected convolutional networks, arXiv:1608.06993"
_SANDLER = "Sandler et al. 2018, MobileNetV2: inverted residuals and linear bottlenecks, arXiv:1801.04381"
_HOWARD = "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244"
_TAN = "Tan and Le 2019, EfficientNet: rethinking model scaling, arXiv:1905.11946"
_TAN_V2 = "Tan and Le 2021, EfficientNetV2: smaller models and faster training, arXiv:2104.00298"
_FCOS = "after Tian et al. 2019, FCOS, arXiv:1904.01355, on the pyramid of Lin et al. 2017, arXiv:1612.03144"
_RONNEBERGER = (
    "Ronneberger et al. 2015, U-Net: convolutional networks for biomedical image segmentation, arXiv:1505.04597"
)
_LONG = "Long et al. 2014, Fully convolutional networks for semantic segmentation, arXiv:1411.4038"
_CHEN = "Chen et al. 2017, Rethinking atrous convolution for semantic image segmentation, arXiv:1706.05587"

MODELS: dict[str, Entry] = {
    # introductory
    "perceptron": Entry("sonde.models.perceptron:perceptron", "perceptron", _PERCEPTRON, GREY, 7_850, 15_680),
    "mlp": Entry("sonde.models.mlp:mlp", "mlp", _MLP, GREY, 235_146, 469_504),
    "lenet5": Entry("sonde.models.lenet:lenet5", "lenet5", _LENET, GREY, 61_706, 833_040),
    "compact-cnn": Entry(
        "sonde.models.compact_cnn:compact_cnn", "compact-cnn", _JORDAN, THUMBNAIL, 497_802, 65_855_776
    ),
    "tabular": Entry("sonde.models.tabular:tabular", "tabular", _TABM, (16,), 77_968, 938_368),
    # residual networks
    "resnet18": Entry("sonde.models.resnet:resnet18", "resnet", _HE, PHOTO, 11_181_642, 3_627_132_928),
    "resnet34": Entry("sonde.models.resnet:resnet34", "resnet", _HE, PHOTO, 21_289_802, 7_326_509_056),
    "resnet50": Entry("sonde.models.resnet:resnet50", "resnet", _HE, PHOTO, 23_528_522, 8_174_313_472),
    "resnet101": Entry("sonde.models.resnet:resnet101", "resnet", _HE, PHOTO, 42_520_650, 15_598_755_840),
    "resnet152": Entry("sonde.models.resnet:resnet152", "resnet", _HE, PHOTO, 58_164_298, 23_023_198_208),
    # classic convolutional networks
    "alexnet": Entry("sonde.models.alexnet:alexnet", "alexnet", _ALEXNET, PHOTO, 57_044_810, 1_420_266_880),
    "vgg11": Entry("sonde.models.vgg:vgg11", "vgg", _VGG, PHOTO, 128_807_306, 15_210_070_016),
    "vgg11-bn": Entry("sonde.models.vgg:vgg11_bn", "vgg", _VGG, PHOTO, 128_812_810, 15_210_070_016),
    "vgg13": Entry("sonde.models.vgg:vgg13", "vgg", _VGG, PHOTO, 128_991_818, 22_608_822_272),
    "vgg13-bn": Entry("sonde.models.vgg:vgg13_bn", "vgg", _VGG, PHOTO, 128_997_706, 22_608_822_272),
    "vgg16": Entry("sonde.models.vgg:vgg16", "vgg", _VGG, PHOTO, 134_301_514, 30_932_418_560),
    "vgg16-bn": Entry("sonde.models.vgg:vgg16_bn", "vgg", _VGG, PHOTO, 134_309_962, 30_932_418_560),
    "vgg19": Entry("sonde.models.vgg:vgg19", "vgg", _VGG, PHOTO, 139_611_210, 39_256_014_848),
    "vgg19-bn": Entry("sonde.models.vgg:vgg19_bn", "vgg", _VGG, PHOTO, 139_622_218, 39_256_014_848),
    "googlenet": Entry("sonde.models.googlenet:googlenet", "googlenet", _GOOGLENET, PHOTO, 9_960_638, 2_994_724_864),
    "inception-v3": Entry(
        "sonde.models.inception:inception_v3", "inception-v3", _INCEPTION, (3, 299, 299), 24_371_444, 11_422_377_152
    ),
    # residual networks: other blocks, and those of the paper for small images
    "resnext50-32x4d": Entry("sonde.models.resnet:resnext50_32x4d", "resnet", _XIE, PHOTO, 23_000_394, 8_456_904_704),
    "resnext101-32x8d": Entry(
        "sonde.models.resnet:resnext101_32x8d", "resnet", _XIE, PHOTO, 86_762_826, 32_823_975_936
    ),
    "wide-resnet50-2": Entry(
        "sonde.models.resnet:wide_resnet50_2", "resnet", _ZAGORUYKO, PHOTO, 66_854_730, 22_791_987_200
    ),
    "wide-resnet101-2": Entry(
        "sonde.models.resnet:wide_resnet101_2", "resnet", _ZAGORUYKO, PHOTO, 124_858_186, 45_502_046_208
    ),
    "preact-resnet18": Entry(
        "sonde.models.preact_resnet:preact_resnet18", "preact-resnet", _HE_PREACT, PHOTO, 11_179_850, 3_627_132_928
    ),
    "preact-resnet34": Entry(
        "sonde.models.preact_resnet:preact_resnet34", "preact-resnet", _HE_PREACT, PHOTO, 21_288_010, 7_326_509_056
    ),
    "preact-resnet50": Entry(
        "sonde.models.preact_resnet:preact_resnet50", "preact-resnet", _HE_PREACT, PHOTO, 23_520_842, 8_174_313_472
    ),
    "resnet20": Entry("sonde.models.cifar_resnet:resnet20", "cifar-resnet", _HE, THUMBNAIL, 269_722, 81_102_080),
    "resnet32": Entry("sonde.models.cifar_resnet:resnet32", "cifar-resnet", _HE, THUMBNAIL, 464_154, 137_725_184),
    "resnet44": Entry("sonde.models.cifar_resnet:resnet44", "cifar-resnet", _HE, THUMBNAIL, 658_586, 194_348_288),
    "resnet56": Entry("sonde.models.cifar_resnet:resnet56", "cifar-resnet", _HE, THUMBNAIL, 853_018, 250_971_392),
    "resnet110": Entry("sonde.models.cifar_resnet:resnet110", "cifar-resnet", _HE, THUMBNAIL, 1_727_962, 505_775_360),
    "plain20": Entry("sonde.models.cifar_resnet:plain20", "cifar-resnet", _HE, THUMBNAIL, 269_722, 81_102_080),
    "plain56": Entry("sonde.models.cifar_resnet:plain56", "cifar-resnet", _HE, THUMBNAIL, 853_018, 250_971_392),
    # dense and efficient networks
    "densenet121": Entry("sonde.models.densenet:densenet121", "densenet", _HUANG, PHOTO, 6_964_106, 5_666_295_808),
    "densenet169": Entry("sonde.models.densenet:densenet169", "densenet", _HUANG, PHOTO, 12_501_130, 6_716_391_936),
    "densenet201": Entry("sonde.models.densenet:densenet201", "densenet", _HUANG, PHOTO, 18_112_138, 8_578_930_176),
    "densenet161": Entry("sonde.models.densenet:densenet161", "densenet", _HUANG, PHOTO, 26_494_090, 15_451_442_304),
    "mobilenet-v2": Entry(
        "sonde.models.mobilenet_v2:mobilenet_v2", "mobilenet-v2", _SANDLER, PHOTO, 2_236_682, 599_014_144
    ),
    "mobilenet-v3-small": Entry(
        "sonde.models.mobilenet_v3:mobilenet_v3_small", "mobilenet-v3", _HOWARD, PHOTO, 1_528_106, 110_993_280
    ),
    "mobilenet-v3-large": Entry(
        "sonde.models.mobilenet_v3:mobilenet_v3_large", "mobilenet-v3", _HOWARD, PHOTO, 4_214_842, 430_645_120
    ),
    "efficientnet-b0": Entry(
        "sonde.models.efficientnet:efficientnet_b0", "efficientnet", _TAN, PHOTO, 4_020_358, 769_095_104
    ),
    "efficientnet-b1": Entry(
        "sonde.models.efficientnet:efficientnet_b1", "efficientnet", _TAN, (3, 240, 240), 6_525_994, 1_371_071_264
    ),
    "efficientnet-b2": Entry(
        "sonde.models.efficientnet:efficientnet_b2", "efficientnet", _TAN, (3, 260, 260), 7_715_084, 1_984_335_904
    ),
    "efficientnet-b3": Entry(
        "sonde.models.efficientnet:efficientnet_b3", "efficientnet", _TAN, (3, 300, 300), 10_711_602, 3_651_241_504
    ),
    "efficientnet-b4": Entry(
        "sonde.models.efficientnet:efficientnet_b4", "efficientnet", _TAN, (3, 380, 380), 17_566_546, 8_783_993_888
    ),
    "efficientnet-b5": Entry(
        "sonde.models.efficientnet:efficientnet_b5", "efficientnet", _TAN, (3, 456, 456), 28_361_274, 20_528_714_464
    ),
    "efficientnet-b6": Entry(
        "sonde.models.efficientnet:efficientnet_b6", "efficientnet", _TAN, (3, 528, 528), 40_758_754, 38_130_625_152
    ),
    "efficientnet-b7": Entry(
        "sonde.models.efficientnet:efficientnet_b7", "efficientnet", _TAN, (3, 600, 600), 63_812_570, 75_486_699_584
    ),
    "efficientnet-v2-s": Entry(
        "sonde.models.efficientnet:efficientnet_v2_s",
        "efficientnet",
        _TAN_V2,
        (3, 384, 384),
        20_190_298,
        16_728_699_904,
    ),
    # ConvNeXt
    "convnext-tiny": Entry("sonde.models.convnext:convnext_tiny", "convnext", _LIU, PHOTO, 27_827_818, 8_909_541_888),
    "convnext-small": Entry(
        "sonde.models.convnext:convnext_small", "convnext", _LIU, PHOTO, 49_462_378, 17_365_903_872
    ),
    "convnext-base": Entry("sonde.models.convnext:convnext_base", "convnext", _LIU, PHOTO, 87_576_714, 30_707_431_424),
    "convnext-large": Entry(
        "sonde.models.convnext:convnext_large", "convnext", _LIU, PHOTO, 196_245_706, 68_719_825_920
    ),
    # vision transformers
    "vit-tiny-16": Entry("sonde.models.vit:vit_tiny_16", "vit", _DEIT, PHOTO, 5_526_346, 2_506_986_240),
    "vit-small-8": Entry("sonde.models.vit:vit_small_8", "vit", _DEIT, PHOTO, 21_674_122, 44_810_724_864),
    "vit-small-14": Entry("sonde.models.vit:vit_small_14", "vit", _DEIT, PHOTO, 21_623_434, 12_247_131_648),
    "vit-small-16": Entry("sonde.models.vit:vit_small_16", "vit", _DEIT, PHOTO, 21_669_514, 9_197_004_288),
    "vit-base-8": Entry("sonde.models.vit:vit_base_8", "vit", _VIT, PHOTO, 85_815_562, 156_295_154_688),
    "vit-base-14": Entry("sonde.models.vit:vit_base_14", "vit", _VIT, PHOTO, 85_714_186, 46_322_469_888),
    "vit-base-16": Entry("sonde.models.vit:vit_base_16", "vit", _VIT, PHOTO, 85_806_346, 35_126_135_808),
    "vit-base-32": Entry("sonde.models.vit:vit_base_32", "vit", _VIT, PHOTO, 87_462_922, 8_816_851_968),
    "vit-large-14": Entry("sonde.models.vit:vit_large_14", "vit", _VIT, PHOTO, 303_189_002, 162_023_985_152),
    "vit-large-16": Entry("sonde.models.vit:vit_large_16", "vit", _VIT, PHOTO, 303_311_882, 123_107_397_632),
    "vit-large-32": Entry("sonde.models.vit:vit_large_32", "vit", _VIT, PHOTO, 305_520_650, 30_753_050_624),
    # detectors
    "detector-tiny": Entry(
        "sonde.models.detector:detector_tiny", "detector", _FCOS, STORED, 2_085_745, 1_770_144_000, answers="boxes"
    ),
    "detector-small": Entry(
        "sonde.models.detector:detector_small", "detector", _FCOS, STORED, 5_549_873, 4_912_550_400, answers="boxes"
    ),
    "detector-resnet18": Entry(
        "sonde.models.detector:detector_resnet18",
        "detector",
        _FCOS,
        STORED,
        12_341_713,
        10_658_355_200,
        answers="boxes",
    ),
    "detector-resnet50": Entry(
        "sonde.models.detector:detector_resnet50",
        "detector",
        _FCOS,
        STORED,
        30_952_273,
        39_847_014_400,
        answers="boxes",
    ),
    # an answer for every pixel
    "unet-small": Entry("sonde.models.unet:unet_small", "unet", _RONNEBERGER, TILE, 1_942_730, 6_083_837_952, "map"),
    "unet": Entry("sonde.models.unet:unet", "unet", _RONNEBERGER, TILE, 31_038_218, 96_410_271_744, "map"),
    "fcn-resnet50": Entry(
        "sonde.models.deeplab:fcn_resnet50", "deeplab", _LONG, TILE, 32_951_370, 69_172_461_568, "map"
    ),
    "fcn-resnet101": Entry(
        "sonde.models.deeplab:fcn_resnet101", "deeplab", _LONG, TILE, 51_943_498, 107_961_384_960, "map"
    ),
    "deeplabv3-resnet50": Entry(
        "sonde.models.deeplab:deeplabv3_resnet50", "deeplab", _CHEN, TILE, 39_636_042, 81_784_733_696, "map"
    ),
    "deeplabv3-resnet101": Entry(
        "sonde.models.deeplab:deeplabv3_resnet101", "deeplab", _CHEN, TILE, 58_628_170, 120_573_657_088, "map"
    ),
    **SEQUENCES,
}
