"""Our BERT against Hugging Face's; `make parity` runs this in an environment that holds `transformers`."""

from typing import Any

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.vocabulary import BEGIN, END
from sonde.models.bert import Bert, BertConfig, bert_mini
from sonde.models.bert_names import fitted
from sonde.nn.masked_tokens import MaskedTokenHead

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SYMBOLS, POSITIONS, LARGEST = 97, 40, 1e-9
SPREAD = (0.1, 100.0)


def theirs(kind: str, **more: Any) -> nn.Module:
    """A small network of theirs in float64, all parameters drawn alike."""
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=SYMBOLS,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=POSITIONS,
        **more,
    )
    model = getattr(transformers, kind)(config).double().eval()
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.1 if parameter.ndim > 1 else 0.2
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.copy_(centre + scale * torch.randn(parameter.shape, generator=drawn, dtype=torch.float64))
    return model


def ours(model: nn.Module, out_dim: int = 3) -> Bert:
    spec = InputSpec(kind="tokens", shape=(30,), symbols=SYMBOLS)
    own = bert_mini(spec, out_dim, BertConfig(max_positions=POSITIONS)).double().eval()
    given = fitted(own, model.state_dict())
    missing = own.load_state_dict(given, strict=False)
    assert set(missing.missing_keys) <= {"head.weight", "head.bias"}
    assert missing.unexpected_keys == []
    return own


def pair() -> torch.Tensor:
    """Two texts a row, of different lengths."""
    tokens = torch.randint(4, SYMBOLS, (3, 24), generator=torch.Generator().manual_seed(1))
    tokens[:, 0], tokens[:, 7] = BEGIN, END
    for row, end in enumerate((23, 17, 12)):
        tokens[row, end], tokens[row, end + 1 :] = END, 0
    return tokens


def told(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    ends = (tokens == END).long()
    segments = ((ends.cumsum(1) - ends) > 0).long() * (tokens != 0)
    return {"input_ids": tokens, "attention_mask": (tokens != 0).long(), "token_type_ids": segments}


def check(own: torch.Tensor, other: torch.Tensor) -> None:
    assert SPREAD[0] < other.std() < SPREAD[1]
    assert (own - other).abs().max() <= LARGEST * other.abs().max()


def test_hidden_tokens() -> None:
    model, tokens = theirs("BertModel"), pair()
    with torch.no_grad():
        other = model(**told(tokens)).last_hidden_state[tokens != 0]
        check(ours(model).hidden(tokens)[tokens != 0], other)


def test_spans() -> None:
    from sonde.tasks.question_answering.config import QuestionAnsweringConfig
    from sonde.tasks.question_answering.task import QuestionAnswering

    model, tokens = theirs("BertForQuestionAnswering"), pair()
    target = TargetSpec(kind="span", names=("start", "end"), shape=(384,))
    task = QuestionAnswering(ours(model), target, QuestionAnsweringConfig())
    task.modules.double().eval()
    task.modules["head"].load_state_dict(
        {name: model.state_dict()[f"qa_outputs.{name}"] for name in ("weight", "bias")}
    )
    with torch.no_grad():
        found = model(**told(tokens))
        other = torch.stack([found.start_logits, found.end_logits], 2)[tokens != 0]
        own = task.modules["head"](task.modules["model"].hidden(tokens))  # type: ignore[operator]
        check(own[tokens != 0], other)


def test_masked_tokens() -> None:
    model, tokens = theirs("BertForMaskedLM"), pair()
    own, weights = ours(model), model.state_dict()
    head = MaskedTokenHead(256, SYMBOLS).double()
    head.load_state_dict(
        {
            "dense.weight": weights["cls.predictions.transform.dense.weight"],
            "dense.bias": weights["cls.predictions.transform.dense.bias"],
            "norm.weight": weights["cls.predictions.transform.LayerNorm.weight"],
            "norm.bias": weights["cls.predictions.transform.LayerNorm.bias"],
            "bias": weights["cls.predictions.bias"],
        }
    )
    with torch.no_grad():
        check(head(own.hidden(tokens), own.words.weight)[tokens != 0], model(**told(tokens)).logits[tokens != 0])


def test_one_answer_a_row() -> None:
    model = theirs("BertForSequenceClassification", num_labels=3)
    tokens = torch.randint(4, SYMBOLS, (3, 12), generator=torch.Generator().manual_seed(1))
    begun = nn.functional.pad(tokens, (1, 0), value=BEGIN)
    with torch.no_grad():
        check(ours(model)(tokens), model(input_ids=begun).logits)


def test_parameters_are_as_many() -> None:
    transformers = pytest.importorskip("transformers")
    with torch.device("meta"):
        other = transformers.BertModel(transformers.BertConfig())
        spec = InputSpec(kind="tokens", shape=(128,), symbols=30_522)
        from sonde.models.bert import bert_base

        own = bert_base(spec, 10, BertConfig())
    head = sum(p.numel() for p in own.head.parameters())
    assert sum(p.numel() for p in own.parameters()) - head == sum(p.numel() for p in other.parameters())
