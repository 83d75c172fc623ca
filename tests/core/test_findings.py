"""Names of findings: silenced by them, refused where nothing is called so."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import sonde
from sonde.core.errors import ConfigError
from sonde.core.findings import NAMES, Finding, hushed, of_split, silenced
from sonde.run.loggers.table import TRACKERS

HELPERS = ("_fact", "_note", "_warning", "Fault", "Lie")  # that make a finding of a name, or carry one
SOURCES = Path(sonde.__file__).parent


def finding(name: str, severity: str = "warning") -> Finding:
    return Finding(check=name.replace("-", " "), name=name, severity=severity, evidence="e", action="do this")  # type: ignore[arg-type]


def named_in_sources() -> set[str]:
    """The names of all findings and suspicions that anything in sonde makes."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        text = path.read_text()
        if not re.search(r"Finding\(|Suspicion\(|class Lie|class Fault", text):
            continue
        tree = ast.parse(text)
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        constants |= {
            target.id: value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
            for names in node.targets
            if isinstance(names, ast.Tuple)
            for target, value in zip(names.elts, node.value.elts, strict=True)
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in HELPERS:
                words = [*node.args, *(word.value for word in node.keywords if word.arg == "name")]
                given = [
                    constants.get(word.id) if isinstance(word, ast.Name) else getattr(word, "value", "")
                    for word in words
                ]
                found |= {word for word in given if isinstance(word, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", word)}
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Finding", "Suspicion"):
                for word in node.keywords:
                    if word.arg == "name":
                        either = (
                            [word.value.body, word.value.orelse] if isinstance(word.value, ast.IfExp) else [word.value]
                        )
                        either = [e.args[0] if isinstance(e, ast.Call) else e for e in either]  # of of_split
                        found |= {each.value for each in either if isinstance(each, ast.Constant)}
                        found |= {
                            constants[each.id] for each in either if isinstance(each, ast.Name) and each.id in constants
                        }
    return found - {""}


def test_the_table_holds_every_name_and_no_other() -> None:
    named = named_in_sources()
    of_test = {of_split(name, "test") for name in named}
    assert named | of_test | {f"log-{name}" for name in TRACKERS} == set(NAMES)


def test_the_title_of_a_finding_is_its_name() -> None:
    """What the screen and the report call it is what --silence takes."""
    for name in NAMES:
        found = Finding(check="said otherwise", name=name, severity="warning", evidence="e", action="a")
        assert found.check.replace(" ", "-") == name
        assert replace(found, name="").check == found.check


def test_every_warning_of_a_run_can_be_silenced() -> None:
    """`sonde inspect` alone, which trains nothing, makes others: in modalities, and in data/copies."""
    nameless = []
    for path in SOURCES.rglob("*.py"):
        where = path.relative_to(SOURCES)
        if where.parts[0] == "modalities" or where == Path("data/copies.py"):
            continue
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "Finding(" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                words = {word.arg: word.value for word in node.keywords}
                severity = words.get("severity")
                told = [each.value for each in ast.walk(severity) if isinstance(each, ast.Constant)] if severity else []
                if "warning" in told and "name" not in words:
                    nameless.append(f"{where}:{node.lineno}")
    assert nameless == []


def test_several_names_may_stand_in_one_text() -> None:
    assert silenced(["rows-mixed, overfitting", "dead-units"]) == {"rows-mixed", "overfitting", "dead-units"}
    assert silenced([]) == frozenset()


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown finding 'row-mixed'; did you mean 'rows-mixed'"):
        silenced(["row-mixed"])


def test_what_is_silenced_becomes_a_note_that_says_so() -> None:
    first, second, error = hushed(
        [finding("rows-mixed"), finding("overfitting"), finding("loss-diverged", "error")],
        frozenset(["rows-mixed", "loss-diverged"]),
    )
    assert (first.severity, first.action) == ("note", "silenced; do this")
    assert second == finding("overfitting")
    assert error.severity == "error"  # what ends a run is said
