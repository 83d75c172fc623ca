import numpy as np
import pytest

from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.overrides import Overrides
from sonde.modalities.protein.codes import bin_names, residues
from sonde.modalities.table.rows import TableRows
from sonde.run.choose import check_answer, choose, choose_model, choose_task
from sonde.run.resolve import resolve
from sonde.tasks.torsions.config import ANGLES

SPECS = {
    "structure": (InputSpec(kind="protein", shape=(99,), symbols=25), TargetSpec(kind="distances", names=bin_names())),
    "torsions": (InputSpec(kind="protein", shape=(99,), symbols=25), TargetSpec(kind="torsions", names=ANGLES)),
    "inverse-folding": (
        InputSpec(kind="protein", shape=(99,)),
        TargetSpec(kind="residues", names=residues().symbols, symbols=25),
    ),
}


@pytest.mark.parametrize("rows", [2, 30])
@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("structure", "structure-network"),
        ("torsions", "torsion-network"),
        ("inverse-folding", "inverse-folding-network"),
    ],
)
def test_each_task_has_its_network_and_settings_with_reasons(rows: int, task: str, model: str) -> None:
    input, target = SPECS[task]
    held = TableRows({}, "t", np.arange(rows))
    given = Dataset(
        name="t", source="t", form="t", schema=Schema(input=input, target=target), splits={"train": held}, facts=[]
    )
    assert choose_task(given, None)[0] == task
    assert choose_model(given, None, task)[0] == model
    recipe = choose(given, task=task, model=model)
    assert all(why for _, why in recipe.settings.values())
    config = resolve(Overrides(), recipe).config
    assert config.feed.batch_size == min(2 if task == "structure" else 4, rows)
    assert config.loop.monitor == "loss"


def test_networks_of_other_kinds_are_refused() -> None:
    with pytest.raises(
        ConfigError,
        match="^--model graph-network takes inputs of kind molecule, and this data is of kind protein; take",
    ):
        check_answer("structure", "graph-network", "protein")
