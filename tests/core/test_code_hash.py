"""A fingerprint says the same of the same code in every process, and another of other code."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sonde.core.code_hash import PYTHON, fingerprint, is_installed, name_of

PROGRAM = '''
import functools
SCALE = {scale}
calls = 0
seen = []

def helper(a):
    return a * SCALE

def outer(power):
    def loss(output, target, weight={weight}, names=frozenset({{"a", "b", "c"}})):
        """{doc}"""
        global calls
        calls += 1
        seen.append(target)
        return sum(helper(o - t) ** power for o, t in zip(output, target)) * weight  # {comment}
    return loss

class Base:
    rate = {rate}
    def shift(self):
        return {shift}

class Loss(Base):
    def __init__(self, alpha):
        self.alpha, self.count, self.values = alpha, 0, []
    def __call__(self, output, target):
        self.count += 1
        self.values.append(output)
        return self.alpha * output

made = [outer({power}), Loss({alpha}), functools.partial(outer(2), weight={partly}), [lambda o, t: o - {inline}][0]]
'''
USUAL: dict[str, Any] = {
    "scale": 2, "weight": 0.5, "doc": "One.", "comment": "one", "rate": 1, "shift": 3, "power": 2, "alpha": 0.1, "partly": 1,
    "inline": 1,
}  # fmt: skip


def run(tmp_path: Path | None = None, *, lead: str = "", **changed: Any) -> list[str]:
    """Fingerprints of the four things that the program makes: a closure, an object, a partial, a lambda."""
    space: dict[str, Any] = {"__name__": "users_program"}
    exec(compile(lead + PROGRAM.format(**{**USUAL, **changed}), "program.py", "exec"), space)
    return [fingerprint(each) for each in space["made"]]


def test_the_same_code_has_the_same_fingerprint() -> None:
    assert run() == run()
    assert len(set(run())) == 4


def test_comments_docstrings_and_places_are_no_code() -> None:
    assert run() == run(doc="Another.", comment="another", lead="\n\n# moved\n")


@pytest.mark.parametrize(
    ("changed", "which"),
    [
        ({"scale": 3}, [0, 2]),  # a number that a function which it calls reads from the module
        ({"weight": 0.4}, [0, 2]),  # a default
        ({"power": 3}, [0]),  # what it closes over
        ({"rate": 2}, [1]),  # an attribute of a base class
        ({"shift": 4}, [1]),  # a method of a base class
        ({"alpha": 0.2}, [1]),  # a setting of an object
        ({"partly": 2}, [2]),
        ({"inline": 2}, [3]),
    ],
)
def test_what_counts_changes_it(changed: dict[str, Any], which: list[int]) -> None:
    before, after = run(), run(**changed)
    assert [number for number in range(4) if before[number] != after[number]] == which


def test_what_changes_as_code_runs_is_left_out() -> None:
    space: dict[str, Any] = {"__name__": "users_program"}
    exec(PROGRAM.format(**USUAL), space)
    before = [fingerprint(each) for each in space["made"]]
    for each in space["made"][:3]:
        each([1.0], [2.0]) if each is not space["made"][1] else each(1.0, 2.0)
    assert space["calls"] == 2
    assert space["seen"]
    assert [fingerprint(each) for each in space["made"]] == before


def test_another_process_says_the_same(tmp_path: Path) -> None:
    """Whatever its seed of hashes."""
    file = tmp_path / "program.py"
    ends = "\nfrom sonde.core.code_hash import fingerprint\nprint([fingerprint(each) for each in made])\n"
    file.write_text(PROGRAM.format(**USUAL) + ends)
    root = Path(__file__).parents[2]
    said = {
        subprocess.run(
            [sys.executable, str(file)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_a_recursive_function_and_objects_that_hold_each_other_end() -> None:
    def again(n: int) -> int:
        return again(n - 1) if n else 0

    class Node:
        def __init__(self) -> None:
            self.other: Any = self

    assert fingerprint(again) == fingerprint(again)
    assert fingerprint(Node()) == fingerprint(Node())


def test_installed_code_is_known_by_name() -> None:
    assert is_installed("json.decoder")
    assert is_installed("torch.nn")
    assert is_installed("pytest")
    assert not is_installed("__main__")
    assert not is_installed("users_program")
    assert fingerprint(Path) != fingerprint(partial)


def test_names_are_those_of_people() -> None:
    def inner() -> None: ...

    made: Callable[[], None] = partial(inner)
    assert [name_of(inner), name_of(made), name_of(Path), name_of(Path())] == ["inner", "inner", "Path", "PosixPath"]
    assert f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON


CONFIGURED = """
import argparse, dataclasses, types
@dataclasses.dataclass
class C:
    w: float
    epochs: int = 1
    other: int = 1
    @property
    def twice(self): return 2 * self.w
space = argparse.Namespace(w={w}, epochs={epochs}, other={other})
simple = types.SimpleNamespace(inner=types.SimpleNamespace(w={w}), epochs={epochs})
record = C({w}, {epochs}, {other})
table = {{"w": {w}, "epochs": {epochs}, "loss": {{"w": {w}}}, "act": len}}
weights = [{w}]
memo, counts, log = {{}}, {{}}, []
class Own:
    table = {{"w": {w}}}
    def __init__(self, cfg): self._cfg, self.seen = cfg, {{}}
    def __call__(self, o):
        self.seen[o] = 1
        return o * self._cfg["w"] * self.table["w"]
class Whole:
    def __init__(self): self.cfg = space
    def __call__(self, o): return scaled(o, **vars(self.cfg))
def scaled(o, w, **more): return o * w
def closed(c):
    return lambda o: o * c["w"] * c.get("loss", 1)["w"]
def caching(o):
    memo[o, "x"] = o
    counts["n"] = 0
    counts["n"] += table["w"]
    log[:] = [o]
    return memo
def remembered(o): return memo, o
made = {{
    "namespace": lambda o: o * space.w, "simple": lambda o: o * simple.inner.w, "dataclass": lambda o: o * record.w,
    "property": lambda o: o * record.twice, "dict": lambda o: o * table["w"], "nested": lambda o: o * table["loss"]["w"],
    "list": lambda o: o * weights[0], "closure": closed(table), "whole": lambda o: scaled(o, **vars(space)),
    "attribute": Own(dict(vars(space))), "attribute as a whole": Whole(), "class": Own, "caching": caching,
}}
"""


def configured(**changed: Any) -> dict[str, str]:
    space: dict[str, Any] = {"__name__": "users_program"}
    exec(CONFIGURED.format(**{"w": 0.1, "epochs": 10, "other": 1, **changed}), space)
    return {name: fingerprint(each) for name, each in space["made"].items()}


def test_a_number_counts_wherever_a_configuration_holds_it() -> None:
    before, after = configured(), configured(w=0.9)
    assert [name for name in before if before[name] == after[name]] == []


def test_of_a_configuration_only_what_is_read_counts() -> None:
    """As of one that also says how long the run is to be, or what it prints."""
    before = configured()
    assert configured(epochs=20) == before
    after = configured(other=2)
    assert {name for name in before if before[name] != after[name]} == {"property", "whole", "attribute as a whole"}


def test_dicts_and_lists_that_code_fills_are_no_settings() -> None:
    space: dict[str, Any] = {"__name__": "users_program"}
    exec(CONFIGURED.format(w=0.1, epochs=10, other=1), space)
    called = [space["made"]["caching"], space["remembered"], space["made"]["attribute"]]
    before = [fingerprint(each) for each in called]
    for each in called:
        each(3.0)
    assert space["counts"]["n"] == 0.1
    assert space["memo"]
    assert space["made"]["attribute"].seen
    assert [fingerprint(each) for each in called] == before
