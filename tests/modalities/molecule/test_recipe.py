import numpy as np
import pytest

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.overrides import Overrides
from sonde.modalities.molecule.codes import SYMBOLS
from sonde.modalities.table.rows import TableRows
from sonde.run.choose import choose, choose_model, choose_task
from sonde.run.resolve import resolve


def dataset(rows: int, kind: str) -> Dataset:
    target = TargetSpec(kind=kind, names=("a", "b"))  # type: ignore[arg-type]
    schema = Schema(input=InputSpec(kind="molecule", shape=(20, 8), symbols=SYMBOLS), target=target)
    return Dataset(
        name="t", source="t", form="t", schema=schema, splits={"train": TableRows({}, "t", np.arange(rows))}, facts=[]
    )


@pytest.mark.parametrize("rows", [10, 1_000, 8_000])
@pytest.mark.parametrize(
    ("kind", "task"), [("value", "regression"), ("labels", "classification"), ("class", "classification")]
)
def test_molecules_are_trained_with_a_graph_network(rows: int, kind: str, task: str) -> None:
    given = dataset(rows, kind)
    assert choose_task(given, None)[0] == task
    assert choose_model(given, None, task)[0] == "graph-network"
    recipe = choose(given, task=task, model="graph-network")
    assert all(why for _, why in recipe.settings.values())
    config = resolve(Overrides(), recipe).config
    assert config.feed.batch_size <= rows
    assert (config.loop.monitor == "auroc") == (kind == "labels")
    assert config.model_config.dropout == recipe.settings["dropout"][0]
