"""What needs no transformers; with it, tests/parity/test_gpt.py."""

import importlib.util
import types

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError, MissingDependency
from sonde.models import hugging_face
from sonde.models.build import builder
from sonde.models.hugging_face import (
    CachedLanguageModel,
    CausalLanguageModel,
    HuggingFaceConfig,
    SequenceClassifier,
)
from sonde.models.pretrained import load_pretrained
from sonde.tasks.decode.generation import SupportsCache

SPEC = InputSpec(kind="tokens", shape=(8,), symbols=11)


class Network(nn.Module):
    """What the library's networks look like from outside; input and output share a matrix."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.head = nn.Linear(4, outputs, bias=False)
        if outputs == 11:
            self.head.weight = self.embedding.weight
        self.seen: dict[str, object] = {}

    def forward(self, input_ids: torch.Tensor, **seen: object) -> types.SimpleNamespace:
        self.seen = seen
        return types.SimpleNamespace(logits=self.head(self.embedding(input_ids)))


@pytest.mark.skipif(importlib.util.find_spec("transformers") is not None, reason="transformers is there")
def test_without_the_library_its_install_line_is_said() -> None:
    with pytest.raises(MissingDependency, match="^--model hf:NAME needs transformers; install it with: pip install tr"):
        builder("hf:gpt2")


def test_padding_is_hidden_from_classifiers() -> None:
    network = Network(3)
    tokens = torch.tensor([[5, 6, 0], [5, 6, 7]])
    assert SequenceClassifier(network)(tokens).shape == (2, 3, 3)
    mask = network.seen["attention_mask"]
    assert isinstance(mask, torch.Tensor)
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert CausalLanguageModel(Network(11))(tokens).shape == (2, 3, 11)


class Attending(Network):
    """One that keeps what it read: its logits say how many tokens stand before each."""

    def forward(
        self, input_ids: torch.Tensor, past_key_values: int | None = None, **seen: object
    ) -> types.SimpleNamespace:
        before = past_key_values or 0
        places = torch.arange(before, before + input_ids.shape[1])
        logits = nn.functional.one_hot(places, 11).expand(len(input_ids), -1, -1).double()
        return types.SimpleNamespace(logits=logits, past_key_values=before + input_ids.shape[1])


def test_what_was_read_is_kept_by_networks_that_can() -> None:
    made = CachedLanguageModel(Attending(11), "past_key_values")
    tokens = torch.tensor([[5, 6, 7, 8, 9]])
    memory = made.memory(1)
    parts = [made(tokens[:, cut], memory) for cut in (slice(0, 2), slice(2, 3), slice(3, 5))]
    assert torch.equal(torch.cat(parts, 1), made(tokens))
    assert memory[0].values == 5
    assert made.memory(1)[0].values is None
    assert isinstance(made, SupportsCache)
    assert not isinstance(CausalLanguageModel(Network(11)), SupportsCache)
    assert [hugging_face._cache_name(one) for one in (Attending(11), Network(11))] == ["past_key_values", None]


@pytest.mark.parametrize(
    "made", [CausalLanguageModel(Network(11)), CachedLanguageModel(Attending(11), "past_key_values")]
)
def test_weights_are_found_inside_the_adapter_and_a_shared_matrix_need_be_there_once(made: nn.Module) -> None:
    other = Network(11)
    load_pretrained(made, {"embedding.weight": other.embedding.weight.detach()}, source="x", out_dim=11)
    assert torch.equal(made.get_parameter("network.head.weight"), other.head.weight)


def test_what_does_not_suit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> object:
        raise OSError(f"{name} is not here\nmore")

    config = types.SimpleNamespace(max_position_embeddings=4, update=lambda known: None)
    auto = types.SimpleNamespace(from_pretrained=nothing)
    library = types.SimpleNamespace(CONFIG_MAPPING={"tiny": lambda: config}, AutoConfig=auto)
    monkeypatch.setattr(hugging_face, "imported", lambda name, prefix: library)
    with pytest.raises(ConfigError, match=r"hf:none is neither a folder .* model type \(none is not here\)$"):
        hugging_face.load("hf:none")
    build = hugging_face.load("hf:tiny")
    with pytest.raises(
        ConfigError, match="hf:tiny takes 4 tokens at most, and the longest row has 8; give --max-tokens 4"
    ):
        build(SPEC, 11, HuggingFaceConfig())


class WithBody(nn.Module):
    """A network as the library has them: a body below its prefix, with a pooler, and a head."""

    base_model_prefix = "bert"

    def __init__(self) -> None:
        super().__init__()
        self.bert = nn.ModuleDict({"embedding": nn.Embedding(11, 4), "pooler": nn.Linear(4, 4)})
        self.classifier = nn.Linear(4, 3)


@pytest.mark.parametrize("prefix", ["bert.", ""])
def test_a_checkpoint_with_the_head_of_another_task_gives_its_body(prefix: str) -> None:
    body = torch.randn(11, 4)
    weights = {f"{prefix}embedding.weight": body}
    if prefix:
        weights |= {"cls.predictions.bias": torch.zeros(11), "cls.predictions.decoder.weight": torch.zeros(11, 4)}
    model = SequenceClassifier(WithBody())
    drawn = model.state_dict()["network.classifier.weight"].clone()
    notes = load_pretrained(model, weights, source="DIR", out_dim=3)
    state = model.state_dict()
    assert torch.equal(state["network.bert.embedding.weight"], body)
    assert torch.equal(state["network.classifier.weight"], drawn)
    assert notes[-1] == "bert.pooler, classifier randomly initialised: the weights have none"
    assert ("left out cls: the head of another task" in notes) == bool(prefix)
    with pytest.raises(ConfigError, match="network.bert.embedding.weight is missing"):
        load_pretrained(model, {"bert.pooler.weight": torch.zeros(4, 4)}, source="DIR", out_dim=3)
