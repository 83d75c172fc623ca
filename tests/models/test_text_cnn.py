import pytest
import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.text_cnn import TextCNN, TextCNNConfig

TEXT = InputSpec(kind="tokens", shape=(9,), symbols=20)


def built(**settings: object) -> TextCNN:
    torch.manual_seed(0)
    return TextCNN(TEXT, 3, TextCNNConfig(embedding=6, width=4, **settings)).eval()  # type: ignore[arg-type]


def test_each_filter_keeps_the_best_of_all_windows() -> None:
    model, tokens = built(kernels=(1, 2, 3)), torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 0, 0, 0]])
    vectors = model.input.embedding.weight
    found = torch.zeros(2, 12)
    for row, words in enumerate(([5, 6, 7, 8, 9, 10], [11, 12, 13])):
        for kind, width in enumerate((1, 2, 3)):
            weight, bias = model.filters[kind].get_parameter("weight"), model.filters[kind].get_parameter("bias")
            left = (width - 1) // 2  # a window may reach beyond the row, where nothing is
            padded = F.pad(vectors[words], (0, 0, left, width // 2))
            answers = [
                torch.einsum("ocw,wc->o", weight, padded[place : place + width]) + bias for place in range(len(words))
            ]
            found[row, 4 * kind : 4 * kind + 4] = torch.stack(answers).amax(0).relu()
    torch.testing.assert_close(model(tokens), model.head(found), atol=1e-6, rtol=1e-5)


def test_a_row_shorter_than_any_window_is_read() -> None:
    model = built()
    one, other = model(torch.tensor([[5]])), model(torch.tensor([[6]]))
    assert (one - other).abs().max() > 1e-3
    torch.testing.assert_close(model(torch.tensor([[5, 0, 0, 0, 0, 0, 0, 0]])), one)


def test_parameters_are_those_of_the_paper() -> None:
    # table 2's CNN-rand at 300 numbers a word: 100 filters each of 3, 4 and 5 words, and two classes
    model = TextCNN(InputSpec(kind="tokens", shape=(50,), symbols=18_765), 2, TextCNNConfig(embedding=300))
    assert sum(p.numel() for p in model.parameters()) == 18_765 * 300 + 100 * 300 * (3 + 4 + 5) + 300 + 300 * 2 + 2


def test_windows_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"--kernels must be one or more numbers of at least 1, got \(3, 0\)"):
        TextCNNConfig(kernels=(3, 0))
    with pytest.raises(ConfigError, match="--kernels must be one or more"):
        TextCNNConfig(kernels=())
    with pytest.raises(ConfigError, match="--width must be at least 1"):
        TextCNNConfig(width=0)
