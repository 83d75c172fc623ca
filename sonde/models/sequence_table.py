"""The models of sequences by name: text, series, sound, molecules, proteins. A table of strings: listing it imports nothing."""

from sonde.models.entry import Entry

SENTENCE, WORDS = (32,), 16_000  # tokens of a row, and of the vocabulary
PASSAGE, LETTERS = (64,), 65  # characters of a row, and how many there are in Shakespeare's plays
SPOKEN_S = (16_000,)  # samples of a second
WINDOW = (336, 7)  # steps and variables of a series, as papers on long forecasts look back
_RADFORD = "Radford et al. 2019, Language models are unsupervised multitask learners"
_NANOGPT = "after Karpathy 2022, nanoGPT, github.com/karpathy/nanoGPT; Radford et al. 2019"
_LLAMA = "after Touvron et al. 2023, LLaMA: open and efficient foundation language models, arXiv:2302.13971"
_ZENG = "Zeng et al. 2022, Are transformers effective for time series forecasting?, arXiv:2205.13504"
_ORESHKIN = "Oreshkin et al. 2019, N-BEATS, arXiv:1905.10437"
_CHALLU = "Challu et al. 2022, N-HiTS, arXiv:2201.12886"
_NIE = "Nie et al. 2022, A time series is worth 64 words: PatchTST, arXiv:2211.14730"
_HOCHREITER_LSTM = "Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8)"
_CHO_GRU = "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, arXiv:1406.1078"
_ELMAN = "Elman 1990, Finding structure in time, Cognitive Science 14(2)"
_GRAVES = "Graves and Schmidhuber 2005, Framewise phoneme classification with bidirectional LSTM, Neural Networks 18"
_MIKOLOV = "Mikolov et al. 2010, Recurrent neural network based language model, Interspeech"
_ZAREMBA = "Zaremba et al. 2014, Recurrent neural network regularization, arXiv:1409.2329"
_CHUNG = "Chung et al. 2014, Empirical evaluation of gated recurrent neural networks, arXiv:1412.3555"
_KIM = "Kim 2014, Convolutional neural networks for sentence classification, arXiv:1408.5882"
_BAI = "Bai et al. 2018, An empirical evaluation of generic convolutional and recurrent networks, arXiv:1803.01271"
_DEVLIN = "Devlin et al. 2018, BERT: pre-training of deep bidirectional transformers, arXiv:1810.04805"
_TURC = "Turc et al. 2019, Well-read students learn better, arXiv:1908.08962; Devlin et al. 2018, arXiv:1810.04805"
_CHEN_READER = "after Chen et al. 2017, Reading Wikipedia to answer open-domain questions, arXiv:1704.00051"
_GILMER = "after Hu et al. 2019, arXiv:1905.12265, and Gilmer et al. 2017, Neural message passing, arXiv:1704.01212"
_JUMPER = "after Jumper et al. 2021, Highly accurate protein structure prediction with AlphaFold, Nature 596"
_HEFFERNAN = (
    "after Heffernan et al. 2017, Capturing non-local interactions by LSTM in protein structure, Bioinformatics 33 (18)"
)
_INGRAHAM = "after Ingraham et al. 2019, Generative models for graph-based protein design, NeurIPS 32"
_VASWANI = "Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762"
_HERSHEY = "after Hershey et al. 2017, CNN architectures for large-scale audio classification, arXiv:1609.09430"
_GULATI = "Gulati et al. 2020, Conformer: convolution-augmented transformer for speech recognition, arXiv:2005.08100"
_MOHAMED = "after Mohamed et al. 2019, Transformers with convolutional context for ASR, arXiv:1904.11660"
_LUONG = "after Luong et al. 2015, arXiv:1508.04025, and Bahdanau et al. 2014, arXiv:1409.0473"


def _sequence(builder: str, family: str, paper: str, parameters: int, flops: int) -> Entry:
    """What classifies sequences of any kind, counted on a sentence."""
    return Entry(
        builder, family, paper, SENTENCE, parameters, flops, takes="tokens", symbols=WORDS, reads=("series", "audio")
    )


def _continuing(builder: str, paper: str, context: tuple[int], symbols: int, parameters: int, flops: int) -> Entry:
    """A transformer of the token after each, of a family that is called as its module."""
    family = builder.partition(":")[0].replace("_", "-")
    return Entry(f"sonde.models.{builder}", family, paper, context, parameters, flops, "next", "tokens", symbols)


def _carrying(builder: str, paper: str, parameters: int, flops: int) -> Entry:
    """A recurrent language model, counted on characters."""
    return Entry(builder, "recurrent-lm", paper, PASSAGE, parameters, flops, "next", "tokens", LETTERS)


SEQUENCES: dict[str, Entry] = {
    # the token after each
    "gpt-small": _continuing("gpt:gpt_small", _NANOGPT, (64,), 65, 809_856, 110_116_864),
    "gpt-baby": _continuing("gpt:gpt_baby", _NANOGPT, (256,), 65, 10_770_816, 6_052_577_280),
    "gpt2": _continuing("gpt:gpt2", _RADFORD, (1024,), 50_257, 124_439_808, 291_648_307_200),
    "gpt2-medium": _continuing("gpt:gpt2_medium", _RADFORD, (1024,), 50_257, 354_823_168, 826_951_073_792),
    "gpt2-large": _continuing("gpt:gpt2_large", _RADFORD, (1024,), 50_257, 774_030_080, 1_774_570_700_800),
    "gpt2-xl": _continuing("gpt:gpt2_xl", _RADFORD, (1024,), 50_257, 1_557_611_200, 3_506_703_564_800),
    "modern-gpt": _continuing("modern_gpt:modern_gpt", _LLAMA, (256,), 65, 1_796_672, 1_113_686_016),
    # the steps of a series that follow
    "dlinear": Entry("sonde.models.dlinear:dlinear", "dlinear", _ZENG, WINDOW, 6_740, 94_080, "horizon", "series"),
    "nlinear": Entry("sonde.models.dlinear:nlinear", "nlinear", _ZENG, WINDOW, 3_370, 47_040, "horizon", "series"),
    "nbeats": Entry(
        "sonde.models.nbeats:nbeats", "nbeats", _ORESHKIN, WINDOW, 1_226_520, 17_099_264, "horizon", "series"
    ),
    "nhits": Entry("sonde.models.nhits:nhits", "nhits", _CHALLU, WINDOW, 492_204, 6_859_776, "horizon", "series"),
    "patchtst": Entry(
        "sonde.models.patch_tst:patchtst", "patchtst", _NIE, WINDOW, 23_850, 11_647_104, "horizon", "series"
    ),
    "lstm-forecaster": Entry(
        "sonde.models.recurrent_forecaster:lstm_forecaster",
        "recurrent-forecaster",
        _HOCHREITER_LSTM,
        WINDOW,
        23_238,
        12_223_232,
        "horizon",
        "series",
    ),
    "gru-forecaster": Entry(
        "sonde.models.recurrent_forecaster:gru_forecaster",
        "recurrent-forecaster",
        _CHO_GRU,
        WINDOW,
        18_566,
        9_169_664,
        "horizon",
        "series",
    ),
    # sequences of tokens or numbers, one answer each
    "rnn": _sequence("sonde.models.recurrent:rnn", "recurrent", _ELMAN, 2_082_314, 2_099_712),
    "lstm": _sequence("sonde.models.recurrent:lstm", "recurrent", _HOCHREITER_LSTM, 2_181_386, 8_391_168),
    "gru": _sequence("sonde.models.recurrent:gru", "recurrent", _CHO_GRU, 2_148_362, 6_294_016),
    "bilstm": _sequence("sonde.models.recurrent:bilstm", "recurrent", _GRAVES, 2_314_762, 16_782_336),
    "bigru": _sequence("sonde.models.recurrent:bigru", "recurrent", _CHO_GRU, 2_248_714, 12_588_032),
    "text-cnn": _sequence("sonde.models.text_cnn:text_cnn", "text-cnn", _KIM, 2_204_910, 9_836_400),
    "tcn": _sequence("sonde.models.temporal_convolution:tcn", "tcn", _BAI, 2_444_554, 25_168_384),
    "text-transformer": _sequence(
        "sonde.models.text_transformer:text_transformer", "text-transformer", _VASWANI, 2_446_090, 26_216_960
    ),
    # language models that carry a state
    "rnn-lm": _carrying("sonde.models.recurrent_language:rnn_lm", _MIKOLOV, 296_513, 35_684_352),
    "lstm-lm": _carrying("sonde.models.recurrent_language:lstm_lm", _ZAREMBA, 1_086_017, 136_347_648),
    "gru-lm": _carrying("sonde.models.recurrent_language:gru_lm", _CHUNG, 822_849, 102_793_216),
    # molecules and proteins
    "graph-network": Entry(
        "sonde.models.graph_network:graph_network",
        "graph-network",
        _GILMER,
        (32, 8),
        611_723,
        35_006_976,
        takes="molecule",
        symbols=84,
    ),
    "structure-network": Entry(
        "sonde.models.structure:structure_network",
        "structure-network",
        _JUMPER,
        (100,),
        66_026,
        471_091_264,
        "structure",
        takes="protein",
        symbols=25,
    ),
    "torsion-network": Entry(
        "sonde.models.torsion_network:torsion_network",
        "torsion-network",
        _HEFFERNAN,
        (100,),
        54_196,
        10_470_400,
        "angles",
        takes="protein",
        symbols=25,
    ),
    "inverse-folding-network": Entry(
        "sonde.models.inverse_folding:inverse_folding_network",
        "inverse-folding",
        _INGRAHAM,
        (100,),
        298_282,
        615_936_000,
        "structure",
        takes="protein",
    ),
    # sound: one answer a recording, or a symbol for every frame
    "audio-cnn": Entry(
        "sonde.models.audio_cnn:audio_cnn", "audio-cnn", _HERSHEY, SPOKEN_S, 180_034, 140_777_600, takes="audio"
    ),
    "speech-conformer-tiny": Entry(
        "sonde.models.speech:speech_conformer_tiny",
        "conformer",
        _GULATI,
        SPOKEN_S,
        1_164_032,
        127_602_560,
        "frames",
        "audio",
        32,
    ),
    "speech-conformer-small": Entry(
        "sonde.models.speech:speech_conformer_small",
        "conformer",
        _GULATI,
        SPOKEN_S,
        8_439_152,
        885_307_520,
        "frames",
        "audio",
        32,
    ),
    "speech-transformer": Entry(
        "sonde.models.speech:speech_transformer",
        "speech-transformer",
        _MOHAMED,
        SPOKEN_S,
        1_719_712,
        189_292_160,
        "frames",
        "audio",
        32,
    ),
    # a text for a text
    "transformer-tiny": Entry(
        "sonde.models.transformer:transformer_tiny",
        "transformer",
        _VASWANI,
        (64,),
        3_373_568,
        324_009_984,
        "text",
        "tokens",
        8_000,
    ),
    "transformer-small": Entry(
        "sonde.models.transformer:transformer_small",
        "transformer",
        _VASWANI,
        (64,),
        9_626_624,
        1_004_535_808,
        "text",
        "tokens",
        8_000,
    ),
    "transformer-base": Entry(
        "sonde.models.transformer:transformer_base",
        "transformer",
        _VASWANI,
        (64,),
        82_028_544,
        8_212_971_520,
        "text",
        "tokens",
        37_000,
    ),
    "transformer-big": Entry(
        "sonde.models.transformer:transformer_big",
        "transformer",
        _VASWANI,
        (64,),
        252_137_472,
        27_700_232_192,
        "text",
        "tokens",
        37_000,
    ),
    "seq2seq-gru": Entry(
        "sonde.models.seq2seq:seq2seq_gru", "seq2seq", _LUONG, (64,), 8_911_424, 589_824_000, "text", "tokens", 8_000
    ),
    "seq2seq-lstm": Entry(
        "sonde.models.seq2seq:seq2seq_lstm", "seq2seq", _LUONG, (64,), 9_568_832, 673_710_080, "text", "tokens", 8_000
    ),
    # text in both directions, and where in it an answer stands
    "bert-tiny": Entry(
        "sonde.models.bert:bert_tiny",
        "bert",
        _TURC,
        (128,),
        4_387_210,
        118_525_440,
        takes="tokens",
        symbols=30_522,
        also=("span",),
    ),
    "bert-mini": Entry(
        "sonde.models.bert:bert_mini",
        "bert",
        _TURC,
        (128,),
        11_173_130,
        879_895_552,
        takes="tokens",
        symbols=30_522,
        also=("span",),
    ),
    "bert-small": Entry(
        "sonde.models.bert:bert_small",
        "bert",
        _TURC,
        (128,),
        28_768_778,
        3_383_248_896,
        takes="tokens",
        symbols=30_522,
        also=("span",),
    ),
    "bert-base": Entry(
        "sonde.models.bert:bert_base",
        "bert",
        _DEVLIN,
        (128,),
        109_489_930,
        22_527_790_080,
        takes="tokens",
        symbols=30_522,
        also=("span",),
    ),
    "bert-large": Entry(
        "sonde.models.bert:bert_large",
        "bert",
        _DEVLIN,
        (128,),
        335_152_138,
        79_551_385_600,
        takes="tokens",
        symbols=30_522,
        also=("span",),
    ),
    "qa-reader": Entry(
        "sonde.models.qa_reader:qa_reader",
        "qa-reader",
        _CHEN_READER,
        (256,),
        211_331,
        56_999_936,
        "span",
        "tokens",
        8_000,
    ),
}
