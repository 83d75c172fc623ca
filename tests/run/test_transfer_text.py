"""Text read with the vocabulary of the weights that a run starts from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sample_bert import WORDS, published, theirs

import sonde
from sonde.core.dataset import InputSpec
from sonde.core.overrides import Overrides
from sonde.core.progress import silent
from sonde.core.vocabulary import BEGIN, END, UNKNOWN, Words
from sonde.models.bert import BertConfig, bert_tiny
from sonde.run.transfer import find_weights, model_of, unread_weights, with_vocabulary

pytest.importorskip("tokenizers")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published BERT of twelve symbols."""
    torch.manual_seed(5)
    model = bert_tiny(InputSpec(kind="tokens", shape=(20,), symbols=len(WORDS)), 3, BertConfig(max_positions=32))
    place = tmp_path / "bert-of-twelve"
    place.mkdir()
    save_file({name: value.clone() for name, value in theirs(model).items()}, place / "model.safetensors")
    (place / "config.json").write_text("{}")
    (place / "tokenizer.json").write_text(published(), encoding="utf-8")
    return place


def asked(**values: object) -> Overrides:
    return Overrides(values=values, origin=dict.fromkeys(values, "typed"))


def test_the_vocabulary_beside_the_weights_is_taken_where_nothing_is_said(folder: Path) -> None:
    for where in (folder, folder / "model.safetensors"):
        found = with_vocabulary(asked(pretrained=str(where)))
        assert found.values["vocabulary_of"] == str(folder)
        assert found.origin["vocabulary_of"] == "typed"
    for more in ({"tokenizer": "words"}, {"vocabulary": 9}):
        typed = asked(pretrained=str(folder), **more)
        assert with_vocabulary(typed) is typed
    assert with_vocabulary(asked(lr=1.0)).values == {"lr": 1.0}


def test_folders_of_other_networks_bring_none(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(Words(("a",)).to_json())
    given = asked(pretrained=str(tmp_path))
    assert with_vocabulary(given) is given  # neither a run nor a published BERT


def test_embeddings_of_special_tokens_come_to_our_numbers(folder: Path) -> None:
    before = find_weights(str(folder), model="bert-tiny", tick=silent)["bert.embeddings.word_embeddings.weight"]
    torch.manual_seed(5)
    model = bert_tiny(InputSpec(kind="tokens", shape=(20,), symbols=len(WORDS)), 3, BertConfig(max_positions=32))
    rows = model.words.weight.detach()
    for number, name in ((UNKNOWN, "[UNK]"), (BEGIN, "[CLS]"), (END, "[SEP]"), (WORDS.index("film"), "film")):
        assert torch.equal(before[number], rows[WORDS.index(name)])
    assert model_of(str(folder)) is None


def test_a_published_bert_is_tuned_from_its_folder(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "films.tsv"
    rows.write_text("text\tlabel\n" + "".join(f"a {('good', 'playing')[n % 2]} film {n}\t{n % 2}\n" for n in range(40)))
    run = sonde.train(
        rows, target="label", model="bert-tiny", max_positions=32, pretrained=str(folder), steps=1, lr=1e-12, threads=1,
        quiet=True, out=tmp_path / "run", precision="fp32",
    )  # fmt: skip
    assert run.schema.input.symbols == len(WORDS)
    held = run.model.get_parameter("words.weight").detach()
    source = find_weights(str(folder), model="bert-tiny", tick=silent)["bert.embeddings.word_embeddings.weight"]
    torch.testing.assert_close(held, source)
    assert run.predict(["a good film"])[0]["prediction"] in ("0", "1")


def test_a_folder_with_weights_that_is_named_as_a_network_alone_starts_at_random_and_that_is_said(
    tmp_path: Path,
) -> None:
    assert unread_weights(f"hf:{tmp_path}", None) == ""
    (tmp_path / "model.safetensors").touch()
    assert unread_weights(f"hf:{tmp_path}", None) == (
        f"--model hf:{tmp_path} starts from random weights, as the folder describes; --pretrained {tmp_path} loads those in it"
    )
    assert unread_weights(f"hf:{tmp_path}", str(tmp_path)) == ""
    assert unread_weights("bert-tiny", None) == ""
