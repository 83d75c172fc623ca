"""Run folders that are damaged: the mutation that a case's CASE.txt describes, applied to a short run of ours.

`set PATH := VALUE`, `del PATH`, `dup PATH` and `all PATH := VALUE` change JSON; a VALUE is what was put there, as text of at most
30 characters, so a number, a list or braces that go on without end. `sealed` and `resealed` write a checkpoint's hashes anew.
"""

import ast
import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from tests.cases.case import Work, Wrong, command, finished, require
from tests.fuzz.mutate import change_bytes
from tests.fuzz.seeds import SEEDS

SMALL: dict[str, tuple[str, ...]] = {
    "text": ("--model", "modern-gpt", "--layers", "1", "--width", "16", "--heads", "2"),
    "parallel": ("--model", "seq2seq-gru", "--embedding", "8", "--width", "8"),
    "csv": ("--target", "target"),
}
EXAMPLES = {"texttable": "texts", "smiles": "molecules", "txt": "text"}
"""Their name of a kind of data -> ours."""
INPUTS = {
    "texts": "a cat sat",
    "molecules": "CCO",
    "parallel": "a man walks",
    "png": "class0/1.png",
    "coco": "images/0.png",
}
DEEP = "\0deep"
ENDLESS = {"[[[[": "[" * 100_000, '{"a":{': '{"a":' * 50_000 + "1" + "}" * 50_000}


def base_run(kind: str, base: Path) -> tuple[Path, Path]:
    """(data, run) of an example of the fuzzer, made and trained two steps once."""
    make, entry = SEEDS[kind]
    root, run = base / "examples" / kind, base / "runs" / kind
    if not run.exists():
        root.mkdir(parents=True)
        make(root)
        words = ["train", str(root / entry), "--steps", "2", "--threads", "1", "--quiet", "--out", str(run)]
        finished([*words, *SMALL.get(kind, ())], run)
    return root / entry, run


def value_of(written: str) -> Any:
    """What a mutation put in, from what of it is written."""
    if any(written.startswith(start) for start in ENDLESS):
        return DEEP + written[:6]
    if len(written) >= 30 and set(written) == {"x"}:
        return "x" * 5000
    numbers = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan"), "True": True, "None": None}
    if written in numbers:
        return numbers[written]
    if written.startswith("[1, 1"):
        return [1] * 40
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return written


def change_tree(tree: Any, what: str) -> Any:
    """A tree of JSON with what `set`, `all`, `del` or `dup` say done; a place that it lacks is its nearest parent that it has."""
    verb, path_text, _, rest = re.match(r"(\w+) (\(.*?\))( := (.*))?$", what, re.DOTALL).groups()  # type: ignore[union-attr]
    path = ast.literal_eval(path_text)
    value = value_of(ast.literal_eval(rest)) if rest else None
    if not path:
        return value
    parent, key = tree, path[0]
    for name in path[1:]:
        below = parent[key] if key in range(len(parent)) or (isinstance(parent, dict) and key in parent) else None
        if not isinstance(below, dict | list) or not below:
            break
        parent, key = below, name
    if isinstance(parent, list):
        key = min(key, len(parent) - 1) if isinstance(key, int) else 0
    match verb:
        case "del":
            parent.pop(key) if isinstance(parent, list) else parent.pop(key, None)
        case "dup" if isinstance(parent, list):
            parent.insert(key, parent[key])
        case "dup":
            parent[key] = value if rest else [parent[key]]
        case _:
            parent[key] = value
    return tree


def written(tree: Any) -> bytes:
    text = json.dumps(tree)
    for start, endless in ENDLESS.items():
        text = text.replace(json.dumps(DEEP + start.ljust(6, "[")[:6]), endless)
    return text.encode()


def seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body + b"\n"


def change_state(file: Path, what: str) -> None:
    """Change state.json of a checkpoint, and seal it again."""
    body = json.loads(file.read_bytes().split(b"\n", 1)[1])
    file.write_bytes(seal(written(change_tree(body, what))))


def change_tensors(file: Path, what: str) -> None:
    """Rename a tensor of a checkpoint, or fill one with NaN, and write its hash and seal again."""
    tensors = load_file(file)
    if not tensors:  # as the state of the best checkpoint has, which is the weights alone
        return
    name = sorted(tensors)[-1] if "name" in what else max(tensors, key=lambda each: tensors[each].numel())
    tensor = tensors.pop(name)
    if "name" in what:
        tensors[name + "_"] = tensor
    else:
        tensors[name] = torch.full_like(tensor, float("nan")) if tensor.is_floating_point() else tensor * 0 + 255
    file.write_bytes(save(tensors))
    state = file.with_name("state.json")
    body = json.loads(state.read_bytes().split(b"\n", 1)[1])
    body["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    state.write_bytes(seal(json.dumps(body).encode()))


def change_lines(content: bytes, what: str) -> bytes:
    """Change the JSON of the first evaluation of metrics.jsonl, or let two lines run into one."""
    lines = content.split(b"\n")
    if "swap" in what:
        return b"\n".join([lines[0] + lines[1], *lines[2:]])
    at = next(number for number, line in enumerate(lines) if b'"evaluation"' in line)
    return b"\n".join([*lines[:at], written(change_tree(json.loads(lines[at]), what)), *lines[at + 1 :]])


def damage(file: Path, what: str, seed: int) -> None:
    """Do to a file of a run what a case says."""
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        change_tensors(file, what)
    elif what.startswith("sealed "):
        change_state(file, what.removeprefix("sealed "))
    elif what == "bytes":
        file.write_bytes(change_bytes(random.Random(seed), content))
    elif what == "yaml deep":
        file.write_bytes(b"a: " + b"[" * 9_999)
    elif what == "yaml loop":
        file.write_bytes(b"settings: &a {b: *a}\n")
    elif file.suffix == ".jsonl":
        file.write_bytes(change_lines(content, what))
    else:
        file.write_bytes(written(change_tree(json.loads(content), what)))


def kept(file: Path, content: bytes) -> bool:
    """Whether a file holds what it held; a log may have more at its end, such as why a command failed."""
    return file.exists() and (
        file.read_bytes() == content or (file.suffix == ".jsonl" and file.read_bytes().startswith(content))
    )


def snapshot(run: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file.name != ".lock"}


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A run of which a file is damaged in some way, and the command that met it.

    kind: the example that it was trained on; file: its name in the run; folder: of the case, which may hold a damaged file
    of another run, that is tried in its place too
    """

    name: str
    kind: str
    file: str
    what: str
    seed: int
    verb: str
    folder: Path
    right: str = "goes on, or one line that names the file; nothing lost"
    slow: bool = False

    def act(self, work: Work) -> str:
        data, whole = base_run(self.kind, work.base)
        words = {self._tried(work, data, whole, lambda file: damage(file, self.what, self.seed), named=True)}
        theirs = self.folder / self.file
        if theirs.exists():
            words.add(self._tried(work, data, whole, lambda file: file.write_bytes(theirs.read_bytes()), named=False))
        return "refused" if "refused" in words else "right"

    def _tried(self, work: Work, data: Path, whole: Path, do: Callable[[Path], Any], *, named: bool) -> str:
        run = work.run
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(whole, run)
        files = sorted(run.rglob(self.file))
        require(bool(files), f"a run has no {self.file}")
        for file in files:
            do(file)
        before = snapshot(run)
        done = command(self._words(run, data, work.place), run)
        if done.code == 0:
            return "right"
        lines = [line for line in done.err.splitlines() if not line.startswith("sonde: warning")]
        if done.code != 2 or len(lines) != 1 or ";" not in lines[0]:
            raise Wrong(f"{self.verb} ended with {done.code}: {done.err[:400]!r}")
        require(
            not named or self.file in lines[0] or "checkpoints/last" in lines[0],
            f"does not name {self.file}: {lines[0]}",
        )
        changed = {file.name for file, content in before.items() if not kept(file, content)}
        require(not changed, f"refused, and changed {changed}: {lines[0]}")
        return "refused"

    def _words(self, run: Path, data: Path, place: Path) -> list[str]:
        given = INPUTS.get(self.kind, str(data))
        given = str(data / given) if "/" in given and data.is_dir() else given
        short = ["--steps", "1", "--threads", "1", "--quiet", "--fresh", "--out", str(place / "other")]
        return {
            "report": ["report", str(run)],
            "predict": ["predict", str(run), given],
            "eval": ["eval", str(run), str(data)],
            "resume": ["resume", str(run), "--steps", "4", "--quiet"],
            "pretrained": ["train", str(data), "--pretrained", str(run), *SMALL.get(self.kind, ()), *short],
            "config": ["train", str(data), "--config", str(run), *short],
        }[self.verb]


def damaged_run(folder: Path) -> Damaged:
    """The case of a folder `run-FILE-COMMAND-NUMBER`, as its CASE.txt says."""
    says: dict[str, Any] = json.JSONDecoder().raw_decode((folder / "CASE.txt").read_text(encoding="utf-8"))[0]
    return Damaged(
        name=folder.name,
        kind=EXAMPLES.get(str(says["run"]), str(says["run"])),
        file=says["form"].removeprefix("run:"),
        what=says["what"],
        seed=says["seed"],
        verb=says["cmd"],
        folder=folder,
    )
