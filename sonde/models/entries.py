"""The models by name: who builds each, where it comes from, what it costs. A table of strings: listing it imports nothing."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One row.

    builder:    "module:function", which takes (input, out_dim, config)
    family:     the first of a family's names is its smallest network; tests train that one
    input:      shape of the row that costs are counted at, what its paper uses where that says
    parameters, flops: with 10 outputs and default settings; additions and multiplications of one forward pass in convolutions
                and matrix products. Written down because counting takes seconds and needs torch; a test counts again
    """

    builder: str
    family: str
    paper: str
    input: tuple[int, ...]
    parameters: int
    flops: int


GREY = (1, 28, 28)
THUMBNAIL = (3, 32, 32)
PHOTO = (3, 224, 224)

_LENET = "LeCun et al. 1998, Gradient-based learning applied to document recognition, Proc. IEEE 86(11)"
_MLP = "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323"
_JORDAN = "after Jordan 2024, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498"
_HE = "He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385"
_PERCEPTRON = "Rosenblatt 1958, The perceptron, Psychological Review 65(6)"
_TABM = "Gorishniy et al. 2024, TabM, arXiv:2410.24210"

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
}
