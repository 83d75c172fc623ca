"""Seeded changes of files: of bytes, of lines, of values in JSON. Each is what a torn download, a tool or a hand may do."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST_LINE = 2**20  # bytes of a line that is repeated
ODD_TEXTS = [
    "",
    "\0",
    "💥\u202e",
    "nan",
    "-1",
    "1e308",
    "9" * 400,
    "x" * 5000,
    "\ufeff",
    "../../etc/passwd",
    "a\nb",
    '"',
    "\\",
    "🙂" * 80,
]
ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    1e308,
    float("nan"),
    "x",
    "",
    [],
    {},
    [None],
    [1] * 40,
    {"a": 1},
    "\0",
    10**30,
]


def change_bytes(draw: random.Random, content: bytes) -> bytes:
    """One of: flipped, deleted, inserted, zeroed, 0xff, cut off, doubled, emptied."""
    if not content:
        return b"\0"
    at, size = draw.randrange(len(content)), draw.choice([1, 1, 2, 8, 64])
    head, tail = content[:at], content[at + size :]
    return draw.choice(
        [
            head + bytes(draw.randrange(256) for _ in range(size)) + tail,
            head + tail,
            head + bytes(draw.randrange(256) for _ in range(size)) + content[at:],
            head + b"\0" * size + tail,
            head + b"\xff" * size + tail,
            head,
            content + content,
            head + content[at:][::-1],
            b"",
            b"\0" * len(content),
        ]
    )


def change_lines(draw: random.Random, content: bytes) -> bytes:
    """Lines that are swapped, doubled, dropped, joined, very long; a word replaced by an odd one; other line ends."""
    lines = content.split(b"\n")
    at = draw.randrange(len(lines))
    other = draw.randrange(len(lines))
    word = draw.choice(ODD_TEXTS).encode("utf-8", "surrogatepass")
    match draw.randrange(9):
        case 0:
            lines[at], lines[other] = lines[other], lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            del lines[at]
        case 3:
            lines[at] = lines[at] * min(2000, max(2, LONGEST_LINE // (len(lines[at]) + 1)))
        case 4:
            cells = lines[at].replace(b"\t", b",").split(b",")
            cells[draw.randrange(len(cells))] = word
            lines[at] = b",".join(cells)
        case 5:
            return content.replace(b"\n", b"\r\n")
        case 6:
            return content.replace(b"\n", b"\r")
        case 7:
            words = lines[at].split(b" ")
            words[draw.randrange(len(words))] = word
            lines[at] = b" ".join(words)
        case _:
            return content.decode("utf-8", "replace").encode("utf-16")
    return b"\n".join(lines)


def change_json(draw: random.Random, content: bytes) -> bytes:
    """A value that is replaced, removed, doubled or nested deep."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return change_bytes(draw, content)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            places.append((value, key))
            walk(item)

    walk(tree)
    if not places:
        return b"[" * 100_000
    parent, key = draw.choice(places)
    match draw.randrange(5):
        case 0:
            del parent[key]
        case 1 | 2:
            parent[key] = draw.choice(ODD_VALUES)
        case 3 if isinstance(parent, list):
            parent.insert(key, parent[key])
        case _:
            parent[key] = "DEEP"
            return json.dumps(tree).encode().replace(b'"DEEP"', b"[" * 50_000 + b"]" * 50_000)
    return json.dumps(tree).encode()


def change(draw: random.Random, file: Path) -> str:
    """Change a file by one of these, as its ending suggests; what was done in words."""
    content = file.read_bytes()
    texts = (".csv", ".tsv", ".txt", ".jsonl", ".xml", ".yaml", ".cif", ".pdb", ".de", ".en", ".fasta", ".smi")
    ways: list[Callable[[random.Random, bytes], bytes]] = [change_bytes]
    if file.suffix in texts:
        ways += [change_lines, change_lines]
    if file.suffix == ".json":
        ways += [change_json, change_json, change_json]
    way = draw.choice(ways)
    file.write_bytes(way(draw, content))
    return f"{way.__name__} {file.name}"
