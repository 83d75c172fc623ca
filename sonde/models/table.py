"""The models by name: builder, paper, kinds of input and kind of output of each. Listing them imports nothing.

Packages of other people join through the entry-point group `sonde.models`: name = "package.module:ENTRY", ENTRY an `Entry`.
What a model costs stands in costs.json, written by `python -m sonde.models.count`.
"""

import json
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sonde.core.catalogue import Catalogue

Answer = Literal[
    "row",
    "map",
    "boxes",
    "next",
    "text",
    "frames",
    "span",
    "horizon",
    "structure",
    "angles",
    "noise",
    "adversarial",
    "codes",
    "density",
    "features",
    "policy-value",
]

COSTS = Path(__file__).with_name("costs.json")


class Entry(NamedTuple):
    """One model.

    builder: "module:function", which takes (input, out_dim, config)
    family:  the first of a family's names is its smallest network; tests train that one
    paper:   where it comes from
    input:   shape of the row that costs are counted at, what its paper uses where that says
    reads:   kinds of input (of `sonde.modalities.catalogue`) that it takes, the one that it was made for first; building it for
             another is refused (`sonde.models.suitable`)
    answers: the output for one input: a row of logits, a map of them (those of every pixel), boxes, logits for the token
             after each (next), for a text of its own (text), for each frame of a recording (frames), where an answer
             begins and ends (span), the steps that follow (horizon), of residues their distances or types (structure)
             or the angles of each (angles), for a noisy input and a condition what is noise in it (noise), an input made of
             noise and what a critic sees in inputs (adversarial), a code of the input and the input from a code (codes), or
             for an input and a condition normal numbers that it can be made of again, and how volumes change (density)
    also:    what else it outputs, by a head that the task puts on it
    symbols: size of the vocabulary that costs are counted with, also as outputs where tokens come out
    rate:    samples a second of the recordings that costs are counted at
    """

    builder: str
    family: str
    paper: str
    input: tuple[int, ...] = (3, 224, 224)
    reads: tuple[str, ...] = ("image",)
    answers: Answer = "row"
    also: tuple[Answer, ...] = ()
    symbols: int = 0
    rate: int = 0


class Library(NamedTuple):
    """Networks of another library, as `--model LIBRARY:NAME`. load: "module:function" from that text to a builder."""

    load: str
    reads: tuple[str, ...]


class Cost(NamedTuple):
    """What a model costs with 10 outputs and default settings.

    flops: additions and multiplications of one forward pass in convolutions and matrix products
    """

    parameters: int
    flops: int


@cache
def costs() -> Mapping[str, Cost]:
    """What each model of this package costs; a model of another package is not counted."""
    return {name: Cost(**cost) for name, cost in json.loads(COSTS.read_text(encoding="utf-8")).items()}


PAPERS = {
    "LeCun 1998": "LeCun et al. 1998, Gradient-based learning applied to document recognition, Proc. IEEE 86(11)",
    "Rumelhart 1986": "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323",
    "Jordan 2024": "after Jordan 2024, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498",
    "He 2015": "He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385",
    "Krizhevsky 2014": "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997",
    "Simonyan 2014": "Simonyan and Zisserman 2014, Very deep convolutional networks for large-scale image recognition, "
    "arXiv:1409.1556",
    "Szegedy 2014": "Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842",
    "Szegedy 2015": "Szegedy et al. 2015, Rethinking the Inception architecture for computer vision, arXiv:1512.00567",
    "Rosenblatt 1958": "Rosenblatt 1958, The perceptron, Psychological Review 65(6)",
    "Gorishniy 2024": "Gorishniy et al. 2024, TabM, arXiv:2410.24210",
    "Liu 2022": "Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545",
    "Dosovitskiy 2020": "Dosovitskiy et al. 2020, An image is worth 16x16 words, arXiv:2010.11929",
    "Touvron 2020": "Touvron et al. 2020, Training data-efficient image transformers, arXiv:2012.12877",
    "Xie 2016": "Xie et al. 2016, Aggregated residual transformations for deep neural networks, arXiv:1611.05431",
    "Zagoruyko 2016": "Zagoruyko and Komodakis 2016, Wide residual networks, arXiv:1605.07146",
    "He 2016": "He et al. 2016, Identity mappings in deep residual networks, arXiv:1603.05027",
    "Huang 2016": "Huang et al. 2016, Densely connected convolutional networks, arXiv:1608.06993",
    "Sandler 2018": "Sandler et al. 2018, MobileNetV2: inverted residuals and linear bottlenecks, arXiv:1801.04381",
    "Howard 2019": "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244",
    "Tan 2019": "Tan and Le 2019, EfficientNet: rethinking model scaling, arXiv:1905.11946",
    "Tan 2021": "Tan and Le 2021, EfficientNetV2: smaller models and faster training, arXiv:2104.00298",
    "Tian 2019": "after Tian et al. 2019, FCOS, arXiv:1904.01355, on the pyramid of Lin et al. 2017, arXiv:1612.03144",
    "Ronneberger 2015": "Ronneberger et al. 2015, U-Net: convolutional networks for biomedical image segmentation, "
    "arXiv:1505.04597",
    "Long 2014": "Long et al. 2014, Fully convolutional networks for semantic segmentation, arXiv:1411.4038",
    "Chen 2017": "Chen et al. 2017, Rethinking atrous convolution for semantic image segmentation, arXiv:1706.05587",
    "Radford 2019": "Radford et al. 2019, Language models are unsupervised multitask learners",
    "Karpathy 2022": "after Karpathy 2022, nanoGPT, github.com/karpathy/nanoGPT; Radford et al. 2019",
    "Touvron 2023": "after Touvron et al. 2023, LLaMA: open and efficient foundation language models, arXiv:2302.13971",
    "Zeng 2022": "Zeng et al. 2022, Are transformers effective for time series forecasting?, arXiv:2205.13504",
    "Oreshkin 2019": "Oreshkin et al. 2019, N-BEATS, arXiv:1905.10437",
    "Challu 2022": "Challu et al. 2022, N-HiTS, arXiv:2201.12886",
    "Nie 2022": "Nie et al. 2022, A time series is worth 64 words: PatchTST, arXiv:2211.14730",
    "Hochreiter 1997": "Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8)",
    "Cho 2014": "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, arXiv:1406.1078",
    "Elman 1990": "Elman 1990, Finding structure in time, Cognitive Science 14(2)",
    "Graves 2005": "Graves and Schmidhuber 2005, Framewise phoneme classification with bidirectional LSTM, Neural Networks 18",
    "Mikolov 2010": "Mikolov et al. 2010, Recurrent neural network based language model, Interspeech",
    "Zaremba 2014": "Zaremba et al. 2014, Recurrent neural network regularization, arXiv:1409.2329",
    "Chung 2014": "Chung et al. 2014, Empirical evaluation of gated recurrent neural networks, arXiv:1412.3555",
    "Kim 2014": "Kim 2014, Convolutional neural networks for sentence classification, arXiv:1408.5882",
    "Bai 2018": "Bai et al. 2018, An empirical evaluation of generic convolutional and recurrent networks, arXiv:1803.01271",
    "Devlin 2018": "Devlin et al. 2018, BERT: pre-training of deep bidirectional transformers, arXiv:1810.04805",
    "Turc 2019": "Turc et al. 2019, Well-read students learn better, arXiv:1908.08962; Devlin et al. 2018, arXiv:1810.04805",
    "Chen 2016": "after Chen et al. 2016, Enhanced LSTM for natural language inference, arXiv:1609.06038",
    "Chen 2017b": "after Chen et al. 2017, Reading Wikipedia to answer open-domain questions, arXiv:1704.00051",
    "Hu 2019": "after Hu et al. 2019, arXiv:1905.12265, and Gilmer et al. 2017, Neural message passing, arXiv:1704.01212",
    "Jumper 2021": "after Jumper et al. 2021, Highly accurate protein structure prediction with AlphaFold, Nature 596",
    "Heffernan 2017": "after Heffernan et al. 2017, Capturing non-local interactions by LSTM in protein structure, "
    "Bioinformatics 33 (18)",
    "Ingraham 2019": "after Ingraham et al. 2019, Generative models for graph-based protein design, NeurIPS 32",
    "Vaswani 2017": "Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762",
    "Hershey 2017": "after Hershey et al. 2017, CNN architectures for large-scale audio classification, arXiv:1609.09430",
    "Gulati 2020": "Gulati et al. 2020, Conformer: convolution-augmented transformer for speech recognition, arXiv:2005.08100",
    "Mohamed 2019": "after Mohamed et al. 2019, Transformers with convolutional context for ASR, arXiv:1904.11660",
    "Ho 2020": "after Ho, Jain and Abbeel 2020, Denoising diffusion probabilistic models, arXiv:2006.11239",
    "Ho 2022": "after Ho et al. 2022, Video diffusion models, arXiv:2204.03458, on the network of Ho, Jain and Abbeel 2020",
    "Peebles 2022": "after Peebles and Xie 2022, Scalable diffusion models with transformers, arXiv:2212.09748",
    "Kotelnikov 2022": "after Kotelnikov et al. 2022, TabDDPM: modelling tabular data with diffusion models, arXiv:2209.15421",
    "Hinton 2006": "Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313",
    "Oord 2017": "after van den Oord, Vinyals and Kavukcuoglu 2017, Neural discrete representation learning, "
    "arXiv:1711.00937",
    "Radford 2015": "after Radford, Metz and Chintala 2015, Unsupervised representation learning with deep convolutional "
    "generative adversarial networks, arXiv:1511.06434",
    "Schulman 2017": "after Schulman et al. 2017, Proximal policy optimization algorithms, arXiv:1707.06347",
    "Mnih 2015": "Mnih et al. 2015, Human-level control through deep reinforcement learning, Nature 518",
    "Espeholt 2018": "Espeholt et al. 2018, IMPALA, arXiv:1802.01561, without the LSTM",
    "Silver 2017": "after Silver et al. 2017, Mastering the game of Go without human knowledge, Nature 550",
    "Goodfellow 2014": "after Goodfellow et al. 2014, Generative adversarial networks, arXiv:1406.2661",
    "Dinh 2016": "after Dinh, Sohl-Dickstein and Bengio 2016, Density estimation using Real NVP, arXiv:1605.08803",
    "Kingma 2018": "after Kingma and Dhariwal 2018, Glow: generative flow with invertible 1x1 convolutions, arXiv:1807.03039",
    "Warner 2024": "after Warner et al. 2024, Smarter, better, faster, longer (ModernBERT), arXiv:2412.13663",
    "Luong 2015": "after Luong et al. 2015, arXiv:1508.04025, and Bahdanau et al. 2014, arXiv:1409.0473",
}


def _row(builder: str, family: str, paper: str, *args: Any, **more: Any) -> Entry:
    return Entry(f"sonde.models.{builder}", family, PAPERS[paper], *args, **more)


_numbers = partial(_row, input=(1, 28, 28), reads=("image", "array", "table"))
_grey = partial(_row, input=(1, 28, 28))
_small = partial(_row, input=(3, 32, 32))
_boxes = partial(_row, input=(3, 320, 320), answers="boxes")
_map = partial(_row, input=(3, 256, 256), answers="map")
_forecaster = partial(_row, input=(336, 7), reads=("series",), answers="horizon")
_sequence = partial(_row, input=(32,), reads=("tokens", "series", "audio", "array"), symbols=16_000)
_characters = partial(_row, input=(64,), reads=("tokens",), answers="next", symbols=65)
_gpt2 = partial(_row, input=(1_024,), reads=("tokens",), answers="next", symbols=50_257)
_residues = partial(_row, input=(100,), reads=("protein",), symbols=25)
_speech = partial(_row, input=(16_000,), reads=("audio",), answers="frames", symbols=32, rate=16_000)
_translator = partial(_row, input=(64,), reads=("tokens",), answers="text", symbols=8_000)
_denoiser = partial(_row, input=(1, 28, 28), answers="noise")
_codes = partial(_row, input=(1, 28, 28), answers="codes")
_torso = partial(_row, reads=("environment",), answers="features")
_player = partial(_row, input=(2, 6, 7), reads=("environment",), answers="policy-value")
_bert = partial(_row, input=(128,), reads=("tokens",), also=("span",), symbols=30_522)

MODELS: Catalogue[Entry] = Catalogue(
    "sonde.models",
    {
        # introductory
        "perceptron": _numbers("perceptron:Perceptron", "perceptron", "Rosenblatt 1958"),
        "mlp": _numbers("mlp:mlp", "mlp", "Rumelhart 1986"),
        "lenet5": _grey("lenet:LeNet5", "lenet5", "LeCun 1998"),
        "compact-cnn": _small("compact_cnn:CompactCNN", "compact-cnn", "Jordan 2024"),
        "tabular": _row("tabular:Tabular", "tabular", "Gorishniy 2024", (16,), ("table", "array")),
        # residual networks
        "resnet18": _row("resnet:resnet18", "resnet", "He 2015"),
        "resnet34": _row("resnet:resnet34", "resnet", "He 2015"),
        "resnet50": _row("resnet:resnet50", "resnet", "He 2015"),
        "resnet101": _row("resnet:resnet101", "resnet", "He 2015"),
        "resnet152": _row("resnet:resnet152", "resnet", "He 2015"),
        # classic convolutional networks
        "alexnet": _row("alexnet:AlexNet", "alexnet", "Krizhevsky 2014"),
        "vgg11": _row("vgg:vgg11", "vgg", "Simonyan 2014"),
        "vgg11-bn": _row("vgg:vgg11_bn", "vgg", "Simonyan 2014"),
        "vgg13": _row("vgg:vgg13", "vgg", "Simonyan 2014"),
        "vgg13-bn": _row("vgg:vgg13_bn", "vgg", "Simonyan 2014"),
        "vgg16": _row("vgg:vgg16", "vgg", "Simonyan 2014"),
        "vgg16-bn": _row("vgg:vgg16_bn", "vgg", "Simonyan 2014"),
        "vgg19": _row("vgg:vgg19", "vgg", "Simonyan 2014"),
        "vgg19-bn": _row("vgg:vgg19_bn", "vgg", "Simonyan 2014"),
        "googlenet": _row("googlenet:GoogLeNet", "googlenet", "Szegedy 2014"),
        "inception-v3": _row("inception:InceptionV3", "inception-v3", "Szegedy 2015", (3, 299, 299)),
        # residual networks: other blocks, and those of the paper for small images
        "resnext50-32x4d": _row("resnet:resnext50_32x4d", "resnet", "Xie 2016"),
        "resnext101-32x8d": _row("resnet:resnext101_32x8d", "resnet", "Xie 2016"),
        "wide-resnet50-2": _row("resnet:wide_resnet50_2", "resnet", "Zagoruyko 2016"),
        "wide-resnet101-2": _row("resnet:wide_resnet101_2", "resnet", "Zagoruyko 2016"),
        "preact-resnet18": _row("preact_resnet:preact_resnet18", "preact-resnet", "He 2016"),
        "preact-resnet34": _row("preact_resnet:preact_resnet34", "preact-resnet", "He 2016"),
        "preact-resnet50": _row("preact_resnet:preact_resnet50", "preact-resnet", "He 2016"),
        "resnet20": _small("cifar_resnet:resnet20", "cifar-resnet", "He 2015"),
        "resnet32": _small("cifar_resnet:resnet32", "cifar-resnet", "He 2015"),
        "resnet44": _small("cifar_resnet:resnet44", "cifar-resnet", "He 2015"),
        "resnet56": _small("cifar_resnet:resnet56", "cifar-resnet", "He 2015"),
        "resnet110": _small("cifar_resnet:resnet110", "cifar-resnet", "He 2015"),
        "plain20": _small("cifar_resnet:plain20", "cifar-resnet", "He 2015"),
        "plain56": _small("cifar_resnet:plain56", "cifar-resnet", "He 2015"),
        # dense and efficient networks
        "densenet121": _row("densenet:densenet121", "densenet", "Huang 2016"),
        "densenet169": _row("densenet:densenet169", "densenet", "Huang 2016"),
        "densenet201": _row("densenet:densenet201", "densenet", "Huang 2016"),
        "densenet161": _row("densenet:densenet161", "densenet", "Huang 2016"),
        "mobilenet-v2": _row("mobilenet_v2:MobileNetV2", "mobilenet-v2", "Sandler 2018"),
        "mobilenet-v3-small": _row("mobilenet_v3:mobilenet_v3_small", "mobilenet-v3", "Howard 2019"),
        "mobilenet-v3-large": _row("mobilenet_v3:mobilenet_v3_large", "mobilenet-v3", "Howard 2019"),
        "efficientnet-b0": _row("efficientnet:efficientnet_b0", "efficientnet", "Tan 2019"),
        "efficientnet-b1": _row("efficientnet:efficientnet_b1", "efficientnet", "Tan 2019", (3, 240, 240)),
        "efficientnet-b2": _row("efficientnet:efficientnet_b2", "efficientnet", "Tan 2019", (3, 260, 260)),
        "efficientnet-b3": _row("efficientnet:efficientnet_b3", "efficientnet", "Tan 2019", (3, 300, 300)),
        "efficientnet-b4": _row("efficientnet:efficientnet_b4", "efficientnet", "Tan 2019", (3, 380, 380)),
        "efficientnet-b5": _row("efficientnet:efficientnet_b5", "efficientnet", "Tan 2019", (3, 456, 456)),
        "efficientnet-b6": _row("efficientnet:efficientnet_b6", "efficientnet", "Tan 2019", (3, 528, 528)),
        "efficientnet-b7": _row("efficientnet:efficientnet_b7", "efficientnet", "Tan 2019", (3, 600, 600)),
        "efficientnet-v2-s": _row("efficientnet:efficientnet_v2_s", "efficientnet", "Tan 2021", (3, 384, 384)),
        # ConvNeXt
        "convnext-tiny": _row("convnext:convnext_tiny", "convnext", "Liu 2022"),
        "convnext-small": _row("convnext:convnext_small", "convnext", "Liu 2022"),
        "convnext-base": _row("convnext:convnext_base", "convnext", "Liu 2022"),
        "convnext-large": _row("convnext:convnext_large", "convnext", "Liu 2022"),
        # vision transformers
        "vit-tiny-16": _row("vit:vit_tiny_16", "vit", "Touvron 2020"),
        "vit-small-8": _row("vit:vit_small_8", "vit", "Touvron 2020"),
        "vit-small-14": _row("vit:vit_small_14", "vit", "Touvron 2020"),
        "vit-small-16": _row("vit:vit_small_16", "vit", "Touvron 2020"),
        "vit-base-8": _row("vit:vit_base_8", "vit", "Dosovitskiy 2020"),
        "vit-base-14": _row("vit:vit_base_14", "vit", "Dosovitskiy 2020"),
        "vit-base-16": _row("vit:vit_base_16", "vit", "Dosovitskiy 2020"),
        "vit-base-32": _row("vit:vit_base_32", "vit", "Dosovitskiy 2020"),
        "vit-large-14": _row("vit:vit_large_14", "vit", "Dosovitskiy 2020"),
        "vit-large-16": _row("vit:vit_large_16", "vit", "Dosovitskiy 2020"),
        "vit-large-32": _row("vit:vit_large_32", "vit", "Dosovitskiy 2020"),
        # detectors
        "detector-tiny": _boxes("detector:detector_tiny", "detector", "Tian 2019"),
        "detector-small": _boxes("detector:detector_small", "detector", "Tian 2019"),
        "detector-resnet18": _boxes("detector:detector_resnet18", "detector", "Tian 2019"),
        "detector-resnet50": _boxes("detector:detector_resnet50", "detector", "Tian 2019"),
        # an answer for every pixel
        "unet-small": _map("unet:unet_small", "unet", "Ronneberger 2015"),
        "unet": _map("unet:unet", "unet", "Ronneberger 2015"),
        "fcn-resnet50": _map("deeplab:fcn_resnet50", "deeplab", "Long 2014"),
        "fcn-resnet101": _map("deeplab:fcn_resnet101", "deeplab", "Long 2014"),
        "deeplabv3-resnet50": _map("deeplab:deeplabv3_resnet50", "deeplab", "Chen 2017"),
        "deeplabv3-resnet101": _map("deeplab:deeplabv3_resnet101", "deeplab", "Chen 2017"),
        # the token after each
        "gpt-small": _characters("gpt:gpt_small", "gpt", "Karpathy 2022"),
        "gpt-baby": _characters("gpt:gpt_baby", "gpt", "Karpathy 2022", input=(256,)),
        "gpt2": _gpt2("gpt:gpt2", "gpt", "Radford 2019"),
        "gpt2-medium": _gpt2("gpt:gpt2_medium", "gpt", "Radford 2019"),
        "gpt2-large": _gpt2("gpt:gpt2_large", "gpt", "Radford 2019"),
        "gpt2-xl": _gpt2("gpt:gpt2_xl", "gpt", "Radford 2019"),
        "modern-gpt": _characters("modern_gpt:ModernGPT", "modern-gpt", "Touvron 2023", input=(256,)),
        # the steps of a series that follow
        "dlinear": _forecaster("dlinear:DLinear", "dlinear", "Zeng 2022"),
        "nlinear": _forecaster("dlinear:NLinear", "nlinear", "Zeng 2022"),
        "nbeats": _forecaster("nbeats:NBeats", "nbeats", "Oreshkin 2019"),
        "nhits": _forecaster("nhits:NHits", "nhits", "Challu 2022"),
        "patchtst": _forecaster("patch_tst:PatchTST", "patchtst", "Nie 2022"),
        "lstm-forecaster": _forecaster(
            "recurrent_forecaster:lstm_forecaster", "recurrent-forecaster", "Hochreiter 1997"
        ),
        "gru-forecaster": _forecaster("recurrent_forecaster:gru_forecaster", "recurrent-forecaster", "Cho 2014"),
        # sequences of tokens or numbers, one answer each
        "rnn": _sequence("recurrent:rnn", "recurrent", "Elman 1990"),
        "lstm": _sequence("recurrent:lstm", "recurrent", "Hochreiter 1997"),
        "gru": _sequence("recurrent:gru", "recurrent", "Cho 2014"),
        "bilstm": _sequence("recurrent:bilstm", "recurrent", "Graves 2005"),
        "bigru": _sequence("recurrent:bigru", "recurrent", "Cho 2014"),
        "text-cnn": _sequence("text_cnn:TextCNN", "text-cnn", "Kim 2014"),
        "tcn": _sequence("temporal_convolution:TemporalConvolution", "tcn", "Bai 2018"),
        "text-transformer": _sequence("text_transformer:TextTransformer", "text-transformer", "Vaswani 2017"),
        # language models that carry a state
        "rnn-lm": _characters("recurrent_language:rnn_lm", "recurrent-lm", "Mikolov 2010"),
        "lstm-lm": _characters("recurrent_language:lstm_lm", "recurrent-lm", "Zaremba 2014"),
        "gru-lm": _characters("recurrent_language:gru_lm", "recurrent-lm", "Chung 2014"),
        # molecules and proteins
        "graph-network": _row(
            "graph_network:GraphNetwork", "graph-network", "Hu 2019", (32, 8), ("molecule",), symbols=84
        ),
        "structure-network": _residues(
            "structure:StructureNetwork", "structure-network", "Jumper 2021", answers="structure"
        ),
        "torsion-network": _residues(
            "torsion_network:TorsionNetwork", "torsion-network", "Heffernan 2017", answers="angles"
        ),
        "inverse-folding-network": _row(
            "inverse_folding:InverseFoldingNetwork",
            "inverse-folding",
            "Ingraham 2019",
            (100,),
            ("protein",),
            "structure",
        ),
        # sound: one answer a recording, or a symbol for every frame
        "audio-cnn": _row("audio_cnn:AudioCNN", "audio-cnn", "Hershey 2017", (16_000,), ("audio",), rate=16_000),
        "speech-conformer-tiny": _speech("speech:speech_conformer_tiny", "conformer", "Gulati 2020"),
        "speech-conformer-small": _speech("speech:speech_conformer_small", "conformer", "Gulati 2020"),
        "speech-transformer": _speech("speech:speech_transformer", "speech-transformer", "Mohamed 2019"),
        # a text for a text
        "transformer-tiny": _translator("transformer:transformer_tiny", "transformer", "Vaswani 2017"),
        "transformer-small": _translator("transformer:transformer_small", "transformer", "Vaswani 2017"),
        "transformer-base": _translator("transformer:transformer_base", "transformer", "Vaswani 2017", symbols=37_000),
        "transformer-big": _translator("transformer:transformer_big", "transformer", "Vaswani 2017", symbols=37_000),
        "seq2seq-gru": _translator("seq2seq:seq2seq_gru", "seq2seq", "Luong 2015"),
        "seq2seq-lstm": _translator("seq2seq:seq2seq_lstm", "seq2seq", "Luong 2015"),
        # text in both directions, and where in it an answer stands
        "bert-tiny": _bert("bert:bert_tiny", "bert", "Turc 2019"),
        "bert-mini": _bert("bert:bert_mini", "bert", "Turc 2019"),
        "bert-small": _bert("bert:bert_small", "bert", "Turc 2019"),
        "bert-base": _bert("bert:bert_base", "bert", "Devlin 2018"),
        "bert-large": _bert("bert:bert_large", "bert", "Devlin 2018"),
        "modern-bert": _row(
            "modern_bert:ModernBert", "modern-bert", "Warner 2024", (128,), ("tokens",), symbols=30_522
        ),
        "pair-reader": _row("pair_reader:PairReader", "pair-reader", "Chen 2016", (64,), ("text-pair",), symbols=8_000),
        # what is noise in an input
        "denoiser-unet": _denoiser("denoiser_unet:DenoiserUNet", "denoiser-unet", "Ho 2020"),
        "denoiser-video": _denoiser(
            "denoiser_unet:DenoiserUNet", "denoiser-unet", "Ho 2022", input=(8, 1, 16, 16), reads=("video",)
        ),
        "denoiser-transformer": _denoiser(
            "denoiser_transformer:DenoiserTransformer", "denoiser-transformer", "Peebles 2022"
        ),
        "denoiser-mlp": _denoiser(
            "denoiser_mlp:DenoiserMLP",
            "denoiser-mlp",
            "Kotelnikov 2022",
            input=(16,),
            reads=("table", "array", "image"),
        ),
        # a generator and its critic
        "policy-mlp": _torso("policy_mlp:PolicyMLP", "policy-mlp", "Schulman 2017", (4,)),
        "policy-cnn": _torso("policy_cnn:PolicyCNN", "policy-cnn", "Mnih 2015", (4, 84, 84)),
        "policy-impala": _torso("policy_impala:PolicyImpala", "policy-impala", "Espeholt 2018", (4, 84, 84)),
        "policy-gru": _torso("policy_gru:PolicyGRU", "policy-gru", "Cho 2014", (4,)),
        "policy-value-resnet": _player("policy_value:PolicyValueResNet", "policy-value-resnet", "Silver 2017"),
        "policy-value-mlp": _player("policy_value:PolicyValueMLP", "policy-value-mlp", "Silver 2017"),
        "dcgan": _row("dcgan:DCGAN", "dcgan", "Radford 2015", (1, 28, 28), answers="adversarial"),
        "gan-mlp": _row(
            "gan_mlp:GANMLP", "gan-mlp", "Goodfellow 2014", (16,), ("table", "array", "image"), answers="adversarial"
        ),
        # a code of an input, and the input from its code
        "autoencoder-cnn": _codes("autoencoder_cnn:AutoencoderCNN", "autoencoder-cnn", "Oord 2017"),
        "autoencoder-mlp": _codes(
            "autoencoder_mlp:AutoencoderMLP", "autoencoder-mlp", "Hinton 2006", reads=("table", "array", "image")
        ),
        # what an input is as normal numbers, and back
        "realnvp-mlp": _row(
            "realnvp_mlp:RealNVP", "realnvp-mlp", "Dinh 2016", (16,), ("table", "array", "image"), answers="density"
        ),
        "glow": _row("glow:Glow", "glow", "Kingma 2018", (3, 32, 32), answers="density"),
        "qa-reader": _row("qa_reader:QAReader", "qa-reader", "Chen 2017b", (256,), ("tokens",), "span", symbols=8_000),
    },
)

LIBRARIES = {
    "timm": Library("sonde.models.library:load", ("image",)),
    "torchvision": Library("sonde.models.library:load", ("image",)),
    "hf": Library("sonde.models.hugging_face:load", ("tokens",)),
}
