"""Where environments stand in the middle of long episodes, so that not all of an episode is played again to resume.

An environment is packed as it stands (pickle), and a copy made of that goes beside it for some steps. Only where the copy answers
the very same is the snapshot kept: copies of many classes are made anew, or share what they should not.
"""

import importlib
import io
import pickle
from typing import Any

import numpy as np

from sonde.core.errors import SondeError

PROVED = 32  # steps for which a copy has to answer as the environment does
LARGEST = 2**26  # bytes of a snapshot
PLAIN = {
    "builtins": {"set", "frozenset", "complex", "bytearray", "slice", "range", "object"},
    "collections": {"deque", "OrderedDict", "defaultdict", "Counter"},
    "copyreg": {"_reconstructor", "__newobj__"},
    "numpy": {"ndarray", "dtype"},
    "numpy.core.multiarray": {"_reconstruct", "scalar", "_frombuffer"},
    "numpy._core.multiarray": {"_reconstruct", "scalar", "_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.random._pickle": {"__generator_ctor", "__bit_generator_ctor", "__randomstate_ctor"},
    "numpy.random._pcg64": {"PCG64", "PCG64DXSM"},
    "numpy.random._mt19937": {"MT19937"},
    "numpy.random._philox": {"Philox"},
    "numpy.random._sfc64": {"SFC64"},
    "numpy.random.bit_generator": {"SeedSequence", "__pyx_unpickle_SeedSequence"},
}
"""What a snapshot may name beside classes of gymnasium's and of the environment's own packages: a run folder brings no code."""


class Snapshots:
    """The snapshot of each environment, of its episode that goes on; at most one is being proved at a time.

    packed:   bytes, b"" for none;  possible: whether copies of such environments answer as they do, as far as was seen
    proving:  number of the environment whose copy is followed, -1 for none
    """

    def __init__(self, count: int) -> None:
        self.packed = [b""] * count
        self.possible = True
        self.proving = -1
        self._copy: Any = None
        self._packed, self._place, self._left = b"", 0, 0

    def begin(self, number: int, env: Any, place: int) -> None:
        """Pack an environment, which stands at a place of the log, and make a copy to follow."""
        try:
            self._packed = env.pack()
            self._copy = env.copy_of(self._packed)
            self.possible = len(self._packed) <= LARGEST
        except Exception:  # whatever classes raise that cannot be packed: the episode is played again instead
            self.possible = False
            return
        if self.possible:
            self.proving, self._place, self._left = number, place, PROVED

    def follow(self, action: Any, shown: np.ndarray, answer: tuple[float, bool, bool]) -> int | None:
        """Take the same action in the copy. Returns the place of the log that the snapshot stands at, once it is proved.

        shown, answer: what the environment showed, a copy of it, and reward, terminated and truncated
        """
        try:
            again = self._copy.step(action)
        except SondeError:
            again = None
        same = again is not None and np.array_equal(again[0], shown) and again[1:4] == answer
        self.possible = bool(same)
        self._left -= 1
        if same and self._left:
            return None
        number, self.proving = self.proving, -1
        self._copy.close()
        self._copy = None
        if not same:
            return None
        self.packed[number] = self._packed
        return self._place

    def forget(self, number: int) -> None:
        """An episode is over, and another begins."""
        self.packed[number] = b""
        if self.proving == number:
            self.proving = -1
            self._copy = None


def pack(value: Any) -> bytes:
    """Raises: whatever a class raises that cannot be packed"""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes, env: Any) -> Any:
    """What was packed of environments like one that was made here. Raises: pickle.UnpicklingError for what names anything else"""
    roots = {"gymnasium"}
    while env is not None:
        roots |= {kind.__module__.partition(".")[0] for kind in type(env).__mro__} - {"builtins", "typing"}
        env = env.__dict__.get("env")
    return _Unpickler(io.BytesIO(packed), roots).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, roots: set[str]) -> None:
        super().__init__(file)
        self._roots = roots

    def find_class(self, module: str, name: str) -> Any:
        if name in PLAIN.get(module, ()):
            return getattr(importlib.import_module(module), name)
        if module.partition(".")[0] in self._roots:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__.partition(".")[0] in self._roots:
                return found
        raise pickle.UnpicklingError(f"it names {module}.{name}")
