"""What bytecode reads and changes of the names around it: globals, what it closes over, attributes, entries of configurations."""

import dis
import types
from collections.abc import Iterable, Iterator, Sequence

_CHANGING = frozenset(
    {"append", "extend", "add", "update", "clear", "pop", "insert", "remove", "setdefault", "popleft", "appendleft",
     "popitem", "sort", "reverse", "move_to_end"}
)  # fmt: skip
_CHANGED_BY = ("STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR", "STORE_NAME", "DELETE_")
_STORED_IN = ("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE")
_LOADED = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_ATTR", "LOAD_METHOD", "LOAD_FROM_DICT")


def changed_names(code: types.CodeType) -> set[str]:
    """Variables and attributes that code assigns to, or changes in place: also `cache[key] = value`."""
    found: set[str] = set()
    for each in _nested(code):
        instructions = list(dis.get_instructions(each))
        for number, instruction in enumerate(instructions):
            name = str(instruction.argval)
            if instruction.opname in _STORED_IN:
                found |= _stored_in(instructions, number)
            elif instruction.opname.startswith(_CHANGED_BY):
                found.add(name)
            elif instruction.opname.startswith("LOAD") and _in_place(name):
                found |= _owner(instructions, number)
    return found


def read_globals(code: types.CodeType) -> Iterator[str]:
    """Names that code reads from its module."""
    for each in _nested(code):
        for instruction in dis.get_instructions(each):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield str(instruction.argval)


def entries_read(codes: Iterable[types.CodeType], name: str) -> set[str] | None:
    """Which entries of a configuration of this name (a variable or an attribute) code reads: `name.x`, `name["x"]`.

    None where the code also uses it as a whole, as in `f(**name)`; nothing where it does not use it.
    """
    found: set[str] = set()
    for code in codes:
        for each in _nested(code):
            instructions = list(dis.get_instructions(each))
            for number, instruction in enumerate(instructions):
                if not instruction.opname.startswith(_LOADED) or instruction.argval != name:
                    continue
                entry = _entry(instructions[number + 1 : number + 4])
                if entry is None:
                    return None
                found.add(entry)
    return found


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _in_place(name: str) -> bool:
    """Whether a method changes what it belongs to: append, or torch's add_."""
    return name in _CHANGING or (name.endswith("_") and not name.startswith("_"))


def _entry(following: Sequence[dis.Instruction]) -> str | None:
    """The entry that is read of what was just loaded; None where it is used in another way."""
    steps = [each for each in following if each.opname != "CACHE"]
    if not steps:
        return None
    first = steps[0]
    if first.opname == "LOAD_ATTR" and "NULL" not in first.argrepr:
        return str(first.argval)
    if first.opname == "STORE_ATTR":
        return str(first.argval)
    method = first.opname in ("LOAD_METHOD", "LOAD_ATTR") and first.argval == "get"
    if method and len(steps) > 1 and isinstance(steps[1].argval, str) and steps[1].opname == "LOAD_CONST":
        return steps[1].argval
    if first.opname == "LOAD_CONST" and isinstance(first.argval, str) and len(steps) > 1:
        subscript = steps[1].opname in ("BINARY_SUBSCR", "STORE_SUBSCR") or steps[1].argrepr == "[]"
        return first.argval if subscript else None
    return None


def _stored_in(instructions: Sequence[dis.Instruction], at: int) -> set[str]:
    """What `owner[key] = value` changes, by the place of its last instruction; the owner is computed before the key."""
    pairs = [n for n in range(1, at) if [each.opname for each in instructions[n - 1 : n + 1]] == ["COPY", "COPY"]]
    if instructions[at - 1].opname == "SWAP" and pairs:  # owner[key] += value
        at = pairs[-1] - 1
    keys = 2 if instructions[at].opname == "STORE_SLICE" else 1
    for _ in range(keys):
        at = _begins(instructions, at)
    return _owner(instructions, at)


def _owner(instructions: Sequence[dis.Instruction], at: int) -> set[str]:
    """The name of what the expression before an instruction is, or is a part of: `b` of `a.b[c]`."""
    first = _begins(instructions, at)
    name = instructions[first].argval if instructions[first].opname.startswith("LOAD") else None
    for instruction in instructions[first + 1 : at]:
        if instruction.opname != "LOAD_ATTR":
            break
        name = instruction.argval
    return {name} if isinstance(name, str) else set()


def _begins(instructions: Sequence[dis.Instruction], end: int) -> int:
    """Where the expression begins that is complete before an instruction: the shortest that leaves one value."""
    left = 0
    for number in range(end - 1, -1, -1):
        instruction = instructions[number]
        has_argument = instruction.opcode >= dis.HAVE_ARGUMENT
        left += dis.stack_effect(instruction.opcode, instruction.arg if has_argument else None, jump=False)
        if left >= 1:
            return number
    return 0
