"""The house rules a machine can check: names, sizes, imports, inheritance, and what must start without torch."""

import ast
import re
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sonde"
FILES = sorted(PACKAGE.rglob("*.py"))

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
# Named for its verb, and reached only as sonde.modalities.inspect: nothing below sonde/ is ever on sys.path itself.
NAMED_LIKE_STDLIB = {"sonde.modalities.inspect"}
MOST_LINES = 400
GENERATED = {"sonde/settings.py"}
# Of core only these may bring torch in: what --help, a config file and the report need stays quick.
LOADS_TORCH_IN_CORE = {f"sonde.core.{name}" for name in ("batch", "boxes", "generation", "nested", "seams", "unmasked")}


def module_name(path: Path) -> str:
    """`sonde/modalities/inspect.py` -> `sonde.modalities.inspect`; a package's `__init__.py` -> the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}
PACKAGES = {module_name(path) for path in FILES if path.name == "__init__.py"}


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Parsed only where a test asks, for it takes seconds, and forgotten after this file."""
    return {path: ast.parse(path.read_text(encoding="utf-8"), filename=str(path)) for path in FILES}


def at(path: Path, node: ast.AST) -> str:
    """`sonde/data/named.py:12`."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    bad = [
        str(path) for path in FILES for part in path.relative_to(PACKAGE).with_suffix("").parts if part in EMPTY_NAMES
    ]
    assert bad == []


def test_no_module_is_named_like_one_of_pythons() -> None:
    shadows = {name for name in MODULES if name.rpartition(".")[2] in sys.stdlib_module_names}
    assert shadows - NAMED_LIKE_STDLIB == set()


def test_package_init_files_are_empty() -> None:
    full = [str(path.relative_to(ROOT)) for path in FILES if path.name == "__init__.py" and path.parent != PACKAGE]
    assert [name for name in full if (ROOT / name).read_text(encoding="utf-8").strip()] == []


def test_every_folder_of_modules_is_a_package() -> None:
    assert {path.parent for path in FILES} == {path.parent for path in FILES if path.name == "__init__.py"}


def test_files_keep_to_their_size() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES}
    written = {name: n for name, n in lengths.items() if name not in GENERATED}
    long = sorted(((n, name) for name, n in written.items() if n > MOST_LINES), reverse=True)
    assert long == [], f"over {MOST_LINES} lines: {long}"


def our_imports(tree: ast.Module) -> Iterator[tuple[ast.AST, str, str]]:
    """(node, module, name) for each import of something of ours, those inside functions too; name "" for `import x`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.level or module.split(".")[0] == "sonde":
                yield from ((node, module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node, alias.name, "") for alias in node.names if alias.name.split(".")[0] == "sonde")


def front_door(module: str, name: str) -> bool:
    """Whether an import reads a package's `__init__` instead of the module that defines the name."""
    if module == "sonde" and name == "__version__":
        return False  # defined there
    return module in PACKAGES and (not name or f"{module}.{name}" not in MODULES)


def test_imports_are_absolute_and_from_the_defining_module(trees: dict[Path, ast.Module]) -> None:
    relative, fronts, unknown = [], [], []
    for path, tree in trees.items():
        for node, module, name in our_imports(tree):
            line = f"{at(path, node)}: {module} {name}"
            if module.startswith("."):
                relative.append(line)
            elif front_door(module, name):
                fronts.append(line)
            elif module not in MODULES:
                unknown.append(line)
    assert relative == []
    assert fronts == []
    assert unknown == [], "these modules do not exist"


def class_bases(trees: dict[Path, ast.Module]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(module, class) -> (module, name) of each base; module "" for builtins and names that cannot be followed."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path, tree in trees.items():
        here = module_name(path)
        origin = {alias.asname or alias.name: (node.module or "", alias.name)
                  for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
        local = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(b.value if isinstance(b, ast.Subscript) else b) for b in node.bases]
                found[here, node.name] = [(here, b) if b in local else origin.get(b, ("", b)) for b in bases]
    return found


def test_nothing_of_ours_inherits_from_ours_except_protocols_and_exceptions(trees: dict[Path, ast.Module]) -> None:
    bases = class_bases(trees)

    def may_be_inherited(module: str, name: str) -> bool:
        parents = bases[module, name]
        if any(parent in (("typing", "Protocol"), ("", "Exception")) for parent in parents):
            return True
        return any(parent in bases and may_be_inherited(*parent) for parent in parents)

    assert ("sonde.core.errors", "SondeError") in bases[("sonde.core.errors", "DataError")]  # bases are followed
    assert [
        f"{module}.{name} inherits from {'.'.join(parent)}"
        for (module, name), parents in bases.items()
        for parent in parents
        if parent in bases and not may_be_inherited(*parent)
    ] == []


def test_every_package_has_an_import_contract() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    sources = {source for contract in contracts for source in contract["source_modules"]}
    top = {name for name in PACKAGES if name.count(".") == 1} - {"sonde.cli"}  # cli may import everything
    assert top - sources == set()


def loads_torch(statement: str) -> bool:
    """Whether `statement`, run in a fresh Python, has brought torch in."""
    code = f"{statement}\nimport sys\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1] == "True"


def test_this_check_sees_torch() -> None:
    assert loads_torch("import sonde.core.batch")


def test_import_sonde_does_not_load_torch() -> None:
    assert not loads_torch("import sonde")


@pytest.mark.parametrize("package", ["core", "report"])
def test_what_must_start_fast_does_not_load_torch(package: str) -> None:
    """Records, configs and errors serve --help; the report is drawn from a run folder on a machine without torch."""
    names = [name for name in MODULES if name.startswith(f"sonde.{package}.") and name not in LOADS_TORCH_IN_CORE]
    assert not loads_torch("import " + ", ".join(names))


def test_the_makefile_explains_each_target() -> None:
    """`make help` is made from the comments, so a target without one would be invisible."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY")).split()[1:]
    explained = {line.split(":")[0] for line in lines if "##" in line and not line.startswith(("\t", "#"))}
    assert set(phony) == explained


def test_constraints_pin_every_dependency() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if "==" not in pin or "+" in pin] == []
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    names = {re.split(r"[\[>=<]", dep)[0].strip().lower().replace("_", "-") for dep in wanted}
    assert names - pinned == set()


# Files outside modalities/ and tasks/ that name a kind of data, of target or a task, in how many lines, and why.
NAMES_KINDS = {
    "sonde/core/dataset.py": (6, "questions about a target, such as has_masks, stand beside its record"),
    "sonde/data/targets.py": (12, "says which of classes, labels and values an array of targets holds"),
    "sonde/models/build.py": (1, "a network of the user's own is counted at a photograph"),
}


def lines_with_kinds(tree: ast.Module, known: set[str]) -> set[int]:
    """Lines that compare a kind or task with one of `known`, set a kind to one, or hold a table by kinds."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
            names = {getattr(part, "attr", getattr(part, "id", "")) for part in parts}
            if names & {"kind", "task"} and known & {part.value for part in parts if isinstance(part, ast.Constant)}:
                found.add(node.lineno)
        elif isinstance(node, ast.keyword) and node.arg == "kind":
            if isinstance(node.value, ast.Constant) and node.value.value in known:
                found.add(node.value.lineno)
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if len(keys & known) > 1:
                found.add(node.lineno)
    return found


def test_kinds_and_tasks_are_named_in_their_own_folders(trees: dict[Path, ast.Module]) -> None:
    """Whatever else must know a kind of data or a task asks its record."""
    from sonde.modalities.catalogue import names
    from sonde.tasks.table import specs

    tasks = list(specs())
    known = {*names(), *(task.name for task in tasks), *(kind for task in tasks for kind in task.targets)}
    found = {}
    for path, tree in trees.items():
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith(("sonde/modalities/", "sonde/tasks/")) and (lines := lines_with_kinds(tree, known)):
            found[place] = len(lines)
    allowed = {place: lines for place, (lines, _) in NAMES_KINDS.items()}
    assert {place: lines for place, lines in found.items() if lines > allowed.get(place, 0)} == {}
    assert sum(allowed.values()) <= 20


def test_this_check_sees_kinds() -> None:
    tree = ast.parse('if spec.kind != "image":\n    make(kind="table")\nWORDS = {"image": 1, "audio": 2}\n')
    assert lines_with_kinds(tree, {"image", "table", "audio"}) == {1, 2, 3}


def test_from_fit_to_a_loss_of_ones_own_are_six_frames_in_four_files(tmp_path: Path) -> None:
    """A researcher who steps through `fit` with a debugger, or reads a traceback, is soon where her own code is called."""
    import torch
    from sample_tasks import Supervised, mlp

    import sonde
    from sonde.core.batch import Batch
    from sonde.core.seams import Loss

    stacks: list[list[str]] = []

    def look() -> None:
        stacks.append(
            [frame.filename for frame in traceback.extract_stack() if frame.filename.startswith(str(PACKAGE))]
        )

    def mean_squares(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        look()
        return torch.nn.functional.mse_loss(output, target)

    class Looking(Supervised):
        def loss(self, batch: Batch) -> Loss:
            look()
            return super().loss(batch)

    data = torch.randn(32, 2), torch.arange(32) % 3
    always = {"steps": 7, "batch_size": 16, "threads": 1, "quiet": True}  # the last is not one that is looked at
    plain = torch.nn.Linear(2, 1)
    sonde.fit(plain, (data[0], torch.randn(32, 1)), loss=mean_squares, out=str(tmp_path / "module"), **always)
    of_module = stacks.pop()
    stacks.clear()
    sonde.fit(Looking(mlp(2, 3)), data, out=str(tmp_path / "task"), **always)
    of_task = stacks.pop()
    for stack in (of_module, of_task):
        assert stack, "frames are followed"
        assert len(stack) <= 6
        assert len(set(stack)) <= 4
