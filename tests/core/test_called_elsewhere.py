"""What others call a setting is a setting here, and is no name that a setting here has already for something else."""

from sonde.core.called_elsewhere import CALLED, NOT_HERE, OTHERWISE, THE_DATA, called_here, otherwise
from sonde.core.overrides import ELSEWHERE
from sonde.core.value_types import annotations
from sonde.modalities.settings import leaves
from sonde.models.build import config_class
from sonde.models.table import MODELS
from sonde.run.resolve import PARAMETERS
from sonde.tasks.table import specs

OF_CALLS = set(PARAMETERS)  # of `sonde.train` and `sonde.fit`
OTHERS = {"warmup_steps"}  # of some tasks something else than others have it for


def known() -> set[str]:
    own = [annotations(each.config) for each in specs()] + [annotations(config_class(name)) for name in MODELS]
    return {*leaves(), *OF_CALLS, *(name for names in own for name in names)}


def test_every_name_here_is_a_setting() -> None:
    assert {here for names in CALLED.values() for here in names} <= known()


def test_no_setting_of_ours_is_taken_for_one_of_others() -> None:
    assert CALLED.keys() & known() == OTHERS
    assert not CALLED.keys() & set(THE_DATA)


def test_what_is_explained_in_a_sentence_is_not_renamed_without_one_in_python() -> None:
    assert ELSEWHERE.keys() & CALLED.keys() <= {"amp", "verbose"}  # flags have no sentence for these


def test_only_what_is_known_is_suggested() -> None:
    assert called_here("n_steps", {"return_steps"}) == ["return_steps"]
    assert called_here("n_steps", set()) == []


def test_what_is_another_quantity_here_is_told_of_names_that_are_suggested() -> None:
    assert all(here in CALLED[there] for there, here in OTHERWISE)
    assert otherwise("exploration_fraction", "explore_steps").startswith(
        " (in steps of the environments, and not a share"
    )
    assert otherwise("gamma", "discount") == ""
    assert called_here("tau", {"target_every"}) == []  # a share and a number of updates


def test_what_is_not_here_is_no_name_of_anything() -> None:
    assert not NOT_HERE.keys() & (CALLED.keys() | known())
