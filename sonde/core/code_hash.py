"""A fingerprint of code: the same in every process for the same code, whatever its addresses, line numbers and comments.

Of a function: its bytecode, constants, defaults and the plain values it closes over or reads from its module, and the same of
functions and classes of the caller's own that it refers to. Of an object: its class and its plain attributes. What comes with
Python or an installed package is known by its name. Containers that change while code runs are left out. Of a configuration
(a namespace, dict or dataclass that the code refers to) what counts is the entries that the code reads; where it is used as a
whole, all but those by which a run may be made longer or stored elsewhere.
"""

import argparse
import dataclasses
import functools
import hashlib
import re
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sonde.core.code_reads import changed_names, entries_read, read_globals
from sonde.core.config import MAY_DIFFER

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Bytecode is compared only within a version of Python."""

_NUMBERS = (bool, int, float, complex, str, bytes, type(None))
_GENERATED = frozenset(
    {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__firstlineno__",
     "__static_attributes__", "__slots__", "__dataclass_fields__", "__dataclass_params__", "__match_args__",
     "__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl", "__annotate__", "__annotations_cache__",
     "__hash__"}
)  # fmt: skip
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type, functools.partial)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_DEEPEST = 12
NAMESPACES = (types.SimpleNamespace, argparse.Namespace)

_MOST_ITEMS = 1000  # of a list that is looked at

Describe = Callable[[Any], tuple[Any, ...] | None]


def fingerprint(value: Any, *, describe: Describe | None = None) -> str:
    """Sixteen hexadecimal digits that change with the code of `value`, a function, class or object.

    describe: what objects of kinds that this does not know are made of; None for all others
    """
    digest = hashlib.sha256()
    for part in _Walk(describe or (lambda value: None)).parts(value, 0):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:16]


def name_of(value: Any) -> str:
    """What a person calls it.

    >>> name_of(len), name_of(functools.partial(max, key=len)), name_of(3.0)
    ('len', 'max', 'float')
    """
    if isinstance(value, functools.partial):
        return name_of(value.func)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    return name.rpartition("<locals>.")[2]


def is_installed(module: str | None) -> bool:
    """Whether a module comes with Python or an installed package, or is ours."""
    root = (module or "").split(".")[0]
    if root == "__main__":
        return False
    if root in sys.builtin_module_names or root in sys.stdlib_module_names or root in ("sonde", "torch"):
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    return file is not None and file.startswith(_INSTALLED)


class _Walk:
    """The parts of a value, in an order that does not depend on the process."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._seen: dict[int, int] = {}
        self._held: list[Any] = []  # so that no identity is taken twice
        self._changed: dict[int, set[str]] = {}  # by the names of a module

    def parts(self, value: Any, depth: int) -> Iterator[str]:
        if isinstance(value, _NUMBERS):
            yield f"{type(value).__name__} {value!r}"
        elif isinstance(value, frozenset | set):
            yield from sorted(" ".join(self.parts(each, depth + 1)) for each in value)
        elif id(value) in self._seen or depth > _DEEPEST:
            yield f"seen {self._seen.get(id(value), '')}"
        else:
            self._seen[id(value)] = len(self._seen)
            self._held.append(value)
            yield type(value).__name__
            yield from self._inside(value, depth)

    def _inside(self, value: Any, depth: int) -> Iterator[str]:
        if isinstance(value, types.FunctionType):
            yield from self._function(value, depth)
        elif isinstance(value, type):
            yield from self._class(value, depth)
        elif isinstance(value, types.CodeType):
            yield from self._code(value, depth)
        elif isinstance(value, NAMESPACES):
            yield from self.parts(sorted(vars(value).items()), depth + 1)
        elif (held := _members(value)) is not None:
            yield str(len(held))
            for each in held[: 2 * _MOST_ITEMS]:
                yield from self.parts(each, depth + 1)
        else:
            yield from self._object(value, depth)

    def _function(self, value: types.FunctionType, depth: int) -> Iterator[str]:
        if is_installed(value.__module__):
            yield f"function {value.__module__}.{value.__qualname__}"
            yield from self._closed_over(value, depth)  # such as a loss that a package's function makes
            return
        yield "function"
        yield from self._code(value.__code__, depth, doc=value.__doc__)
        yield from self.parts((value.__defaults__, value.__kwdefaults__), depth + 1)
        yield from self._closed_over(value, depth)
        changed = changed_names(value.__code__)
        for name in sorted(set(read_globals(value.__code__)) - changed):
            if name in value.__globals__ and self._is_told(value.__globals__[name]):
                held = value.__globals__[name]
                if is_open(held):
                    changed = self._changed_in(value.__globals__) | changed
                    if name in changed:
                        continue
                    held = _read_of(held, [value.__code__], name, changed)
                yield f"global {name}"
                yield from self.parts(held, depth + 1)

    def _closed_over(self, value: types.FunctionType, depth: int) -> Iterator[str]:
        changed = changed_names(value.__code__)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            if name not in changed and name != "__class__" and self._is_told(content):
                yield f"closure {name}"
                told = _read_of(content, [value.__code__], name, changed) if is_open(content) else content
                yield from self.parts(told, depth + 1)

    def _changed_in(self, space: dict[str, Any]) -> set[str]:
        """What the functions and classes of a module of the caller's own change."""
        if id(space) not in self._changed:
            found: set[str] = set()
            for each in list(space.values()):
                if getattr(each, "__module__", None) != space.get("__name__"):
                    continue
                if isinstance(each, types.FunctionType):
                    found |= changed_names(each.__code__)
                elif isinstance(each, type):
                    found |= attributes_that_change(each)
            self._changed[id(space)] = found
        return self._changed[id(space)]

    def _code(self, code: types.CodeType, depth: int, doc: str | None = None) -> Iterator[str]:
        yield code.co_code.hex()
        yield " ".join((*code.co_names, *code.co_varnames, *code.co_freevars))
        for number, constant in enumerate(code.co_consts):
            if isinstance(constant, types.CodeType):
                yield from self._code(constant, depth + 1, doc=_doc_of(constant))
            elif not (number == 0 and constant == doc and isinstance(doc, str)):
                yield from self.parts(constant, depth + 1)

    def _class(self, value: type, depth: int) -> Iterator[str]:
        yield f"class {value.__module__ if is_installed(value.__module__) else ''}.{value.__qualname__}"
        if is_installed(value.__module__):
            return
        for base in value.__bases__:
            yield from self.parts(base, depth + 1)
        for name, entry in sorted(vars(value).items()):
            if name in _GENERATED:
                continue
            if is_open(entry):
                if name not in attributes_that_change(value):
                    yield name
                    yield from self.parts(settings_read(value, name, entry), depth + 1)
                continue
            for each in _functions_of(entry):
                if each is not None and (self._is_told(each) or isinstance(each, tuple)):
                    yield name
                    yield from self.parts(each, depth + 1)

    def _object(self, value: Any, depth: int) -> Iterator[str]:
        described = self._describe(value)
        if described is not None:
            yield from self.parts(described, depth + 1)
            return
        yield "object"
        if isinstance(value, types.BuiltinFunctionType | types.ModuleType):
            yield without_addresses(repr(value)) if isinstance(value, types.BuiltinFunctionType) else value.__name__
            return
        yield from self.parts(type(value), depth + 1)
        if is_installed(type(value).__module__) and not dataclasses.is_dataclass(value):
            return  # what it holds is for its package to know
        changing = attributes_that_change(type(value))
        for name, each in sorted(getattr(value, "__dict__", {}).items()):
            if name not in changing and (self._is_told(each) or is_plain(each)):
                yield name
                yield from self.parts(settings_read(type(value), name, each), depth + 1)

    def _is_told(self, value: Any) -> bool:
        """Whether a value that code refers to is part of it: plain, a function, a class, an object of the caller's own class."""
        if isinstance(value, (*_NUMBERS, *_CODE)) or self._describe(value) is not None:
            return True
        if isinstance(value, tuple):
            return all(map(self._is_told, value))
        if is_open(value):
            return True
        return not is_installed(type(value).__module__) and not isinstance(value, types.ModuleType)


def _functions_of(entry: Any) -> list[Any]:
    """The functions that an entry of a class consists of; the entry itself else."""
    if isinstance(entry, property):
        return [entry.fget, entry.fset]
    if isinstance(entry, staticmethod | classmethod):
        return [entry.__func__]
    return [entry.func] if isinstance(entry, functools.cached_property) else [entry]


def _members(value: Any) -> list[Any] | None:
    """What a container, a bound method or a partial consists of; None for anything else."""
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, Mapping):
        return [each for pair in value.items() for each in pair]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, value.keywords]
    return [value.__func__, value.__self__] if isinstance(value, types.MethodType) else None


def is_open(value: Any) -> bool:
    """Whether a value is a list, or a configuration that code may read by parts: a namespace, dict or dataclass."""
    if isinstance(value, list):
        return len(value) < _MOST_ITEMS
    return (entries := _entries(value)) is not None and len(entries) < _MOST_ITEMS


def _entries(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    plain = dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__dict__")
    return vars(value) if plain or isinstance(value, NAMESPACES) else None


def _read_of(value: Any, codes: Iterable[types.CodeType], name: str, changed: set[str]) -> Any:
    """What code reads of a list or configuration that it knows by this name.

    changed: names of what is state, not settings
    """
    entries = _entries(value)
    if entries is None:
        return value
    read = entries_read(codes, name)
    if read is not None and not isinstance(value, Mapping) and any(each not in entries for each in read):
        read = None  # a property or method, which may read any
    kept = [
        (key, each)
        for key, each in entries.items()
        if key not in changed and (key not in MAY_DIFFER if read is None else key in read)
    ]
    kind = type(value) if dataclasses.is_dataclass(value) else None
    return (kind, sorted(kept, key=lambda pair: str(pair[0])))


def settings_read(kind: type, name: str, value: Any) -> Any:
    """What the methods of a class read of an attribute, where that is a configuration; the attribute itself else."""
    if not is_open(value):
        return value
    return _read_of(value, [each.__code__ for each in _methods(kind)], name, attributes_that_change(kind))


def _methods(kind: type) -> Iterator[types.FunctionType]:
    for base in kind.__mro__:
        if not is_installed(base.__module__):
            for entry in vars(base).values():
                function = getattr(entry, "__func__", getattr(entry, "fget", getattr(entry, "func", entry)))
                if isinstance(function, types.FunctionType):
                    yield function


def attributes_that_change(kind: type) -> set[str]:
    """Attributes that methods other than `__init__` assign to or change in place: state, not settings."""
    setting_up = ("__init__", "__post_init__")
    return {name for each in _methods(kind) if each.__name__ not in setting_up for name in changed_names(each.__code__)}


def _doc_of(code: types.CodeType) -> str | None:
    """The docstring that a nested function would have: its first constant, where that is text."""
    first = code.co_consts[0] if code.co_consts else None
    return first if isinstance(first, str) and code.co_name != "<lambda>" else None


def is_plain(value: Any) -> bool:
    """Whether a value consists of numbers and texts, and of not too many."""
    if isinstance(value, Mapping):
        return len(value) < _MOST_ITEMS and all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return len(value) < _MOST_ITEMS and all(map(is_plain, value))
    return isinstance(value, _NUMBERS)


def without_addresses(text: str) -> str:
    """A representation without what differs in every process.

    >>> without_addresses("<function f at 0x7f00>")
    '<function f>'
    """
    return _ADDRESS.sub("", text)
