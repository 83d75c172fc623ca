import torch
from sample_bert import theirs

from sonde.core.dataset import InputSpec
from sonde.models.bert import Bert, BertConfig, bert_tiny
from sonde.models.bert_names import fitted
from sonde.models.pretrained import load_pretrained

SPEC = InputSpec(kind="tokens", shape=(20,), symbols=40)


def model(seed: int = 0, positions: int = 32) -> Bert:
    torch.manual_seed(seed)
    return bert_tiny(SPEC, 3, BertConfig(max_positions=positions)).eval()


def test_theirs_load_by_name_and_the_head_is_drawn() -> None:
    before, own = model(), model(1)
    tokens = torch.tensor([[7, 8, 9]])
    notes = load_pretrained(own, theirs(before), source="file", out_dim=3)
    assert notes[0].startswith("weights of file, ")
    assert notes[1] == "head is randomly initialised: the weights have none"
    with torch.no_grad():
        assert torch.equal(own.hidden(tokens), before.hidden(tokens))


def test_names_of_the_first_files_and_without_a_prefix() -> None:
    before = model()
    for given in (theirs(before, old=True), theirs(before, prefix="")):
        found = fitted(model(1), given)
        assert all(torch.equal(found[name], value) for name, value in before.state_dict().items() if "head" not in name)


def test_what_answers_for_tokens_alone_has_no_pooler() -> None:
    before, own = model(), model(1)
    drawn = own.pooler.weight.clone()
    load_pretrained(own, theirs(before, pooler=False), source="file", out_dim=3)
    assert torch.equal(own.pooler.weight, drawn)
    assert torch.equal(own.words.weight, before.words.weight)


def test_fewer_positions_are_the_first_ones() -> None:
    before, own = model(), model(1, positions=24)
    load_pretrained(own, theirs(before), source="file", out_dim=3)
    assert torch.equal(own.positions.weight, before.positions.weight[:24])


def test_our_own_weights_stay_as_they_are() -> None:
    given = model().state_dict()
    found = fitted(model(1), given)
    assert found.keys() == given.keys()
    assert all(torch.equal(found[name], given[name]) for name in given)
