"""Datasets known by name: where they are, what they weigh, under what licence, and how to get them here."""

import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from sonde.core.cache import cache_folder
from sonde.core.errors import DataError, unknown
from sonde.core.files import read_json, sha256, write_json
from sonde.core.progress import Tick, silent
from sonde.data.download import Opener, RemoteFile, Unobtainable, fetch
from sonde.modalities.image import cifar
from sonde.modalities.image.cifar import CifarLayout
from sonde.modalities.video import moving_digits

Where = Literal["embedded", "SONDE_DATA", "cached", "download"]

RECORD = "converted.json"  # beside a converted file: its name and sha256


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A dataset that can be given by name.

    class_names: where the files hold bare numbers and the numbers have better names
    layout:      for CIFAR's archives, which are converted; None where the files are read as they are
    """

    kind: str
    rows: Mapping[str, int]  # split -> rows
    licence: str
    url: str
    files: tuple[RemoteFile, ...]
    class_names: tuple[str, ...] = ()
    layout: CifarLayout | None = None

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, kw_only=True)
class NamedFact:
    """A line of `sonde datasets`."""

    name: str
    kind: str
    rows: int  # all splits
    size: int  # bytes on the network; 0 for embedded data
    licence: str
    where: Where


def _idx(mirrors: tuple[str, ...], sizes_and_sums: tuple[tuple[int, str], ...]) -> tuple[RemoteFile, ...]:
    """The four files that MNIST and its successors have, in the order of `stems`."""
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        RemoteFile(
            name=f"{stem}-ubyte.gz", size=size, sha256=digest, mirrors=tuple(f"{m}{stem}-ubyte.gz" for m in mirrors)
        )
        for stem, (size, digest) in zip(stems, sizes_and_sums, strict=True)
    )


# Sizes and sha256: TensorFlow Datasets, tensorflow_datasets/url_checksums/{mnist,fashion_mnist,kmnist,cifar10,cifar100}.txt.
# MNIST's mirrors besides the one listed there: torchvision/datasets/mnist.py.
NAMED: Mapping[str, NamedSet] = MappingProxyType(
    {
        "mnist": NamedSet(
            kind="28x28 grey images of digits, 10 classes",
            rows={"train": 60_000, "test": 10_000},
            licence="CC BY-SA 3.0",
            url="http://yann.lecun.com/exdb/mnist/",
            files=_idx(
                (
                    "https://storage.googleapis.com/cvdf-datasets/mnist/",
                    "https://ossci-datasets.s3.amazonaws.com/mnist/",
                ),
                (
                    (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                    (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                    (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                    (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
                ),
            ),
        ),
        "fashion-mnist": NamedSet(
            kind="28x28 grey images of clothes, 10 classes",
            rows={"train": 60_000, "test": 10_000},
            licence="MIT",
            url="https://github.com/zalandoresearch/fashion-mnist",
            files=_idx(
                ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
                (
                    (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                    (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                    (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                    (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
                ),
            ),
            class_names=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
        ),
        "kmnist": NamedSet(
            kind="28x28 grey images of cursive hiragana, 10 classes",
            rows={"train": 60_000, "test": 10_000},
            licence="CC BY-SA 4.0",
            url="https://github.com/rois-codh/kmnist",
            files=_idx(
                ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
                (
                    (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
                    (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
                    (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
                    (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
                ),
            ),
            class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        ),
        "cifar10": NamedSet(
            kind="32x32 colour images, 10 classes",
            rows={"train": 50_000, "test": 10_000},
            licence="none stated",
            url="https://www.cs.toronto.edu/~kriz/cifar.html",
            files=(
                RemoteFile(
                    name="cifar-10-binary.tar.gz",
                    size=170_052_171,
                    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                    mirrors=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                ),
            ),
            layout=CifarLayout(
                train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
                test=("test_batch.bin",),
                names="batches.meta.txt",
                label_bytes=1,
            ),
        ),
        "cifar100": NamedSet(
            kind="32x32 colour images, 100 classes",
            rows={"train": 50_000, "test": 10_000},
            licence="none stated",
            url="https://www.cs.toronto.edu/~kriz/cifar.html",
            files=(
                RemoteFile(
                    name="cifar-100-binary.tar.gz",
                    size=168_513_733,
                    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                    mirrors=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
                ),
            ),
            layout=CifarLayout(train=("train.bin",), test=("test.bin",), names="fine_label_names.txt", label_bytes=2),
        ),
    }
)


def locate(
    name: str,
    *,
    tick: Tick = silent,
    opener: Opener = urllib.request.urlopen,
    table: Mapping[str, NamedSet] = NAMED,
) -> Path:
    """Where dataset `name` can be read: a folder in SONDE_DATA in whatever form, the cache, or the cache after a download.

    What the cache holds is checked each time; CIFAR becomes one NPZ there, once.

    Raises: ConfigError for a name that is not in `table` (with the nearest); DataError, saying which files to place
    where, when it is not here and cannot be downloaded
    """
    if name not in table:
        raise unknown("dataset", name, table)
    entry = table[name]
    own = _in_own_data(name)
    if own is not None:
        return own
    folder = cache_folder() / name
    if entry.layout is not None and (converted := _converted(folder, name)) is not None:
        return converted
    try:
        paths = [fetch(file, folder, tick=tick, opener=opener) for file in entry.files]
    except Unobtainable as error:
        raise DataError(f"{name}: {error}; {_by_hand(name, entry, folder)}") from None
    if entry.layout is None:
        return folder
    return _convert(paths[0], entry.layout, folder / f"{name}.npz", tick)


def catalogue(table: Mapping[str, NamedSet] = NAMED) -> list[NamedFact]:
    """The datasets with a name, embedded ones first, and where each would come from now; nothing is read or checked."""
    digits = NamedFact(
        name="digits",
        kind="8x8 grey images of digits, 10 classes",
        rows=1797,
        size=0,
        licence="CC BY 4.0",
        where="embedded",
    )
    made = {"moving-digits": "two digits in motion", "moving-digit": "a digit in motion, 10 classes"}
    clips = [
        NamedFact(
            name=name,
            kind=f"made clips of 8 frames: {what}",
            rows=moving_digits.ROWS,
            size=0,
            licence="CC BY 4.0",
            where="embedded",
        )
        for name, what in made.items()
    ]
    return [
        digits,
        *clips,
        *(
            NamedFact(
                name=name,
                kind=entry.kind,
                rows=sum(entry.rows.values()),
                size=entry.size,
                licence=entry.licence,
                where=_where(name, entry),
            )
            for name, entry in table.items()
        ),
    ]


def _where(name: str, entry: NamedSet) -> Where:
    if _in_own_data(name) is not None:
        return "SONDE_DATA"
    folder = cache_folder() / name
    wanted = [folder / file.name for file in entry.files] if entry.layout is None else [folder / f"{name}.npz"]
    return "cached" if all(path.exists() for path in wanted) else "download"


def _in_own_data(name: str) -> Path | None:
    """The folder `name` in SONDE_DATA, where there is one with something in it."""
    root = os.environ.get("SONDE_DATA")
    folder = Path(root) / name if root else None
    return folder if folder is not None and folder.is_dir() and any(folder.iterdir()) else None


def _by_hand(name: str, entry: NamedSet, folder: Path) -> str:
    """What a person without a network can do."""
    root = os.environ.get("SONDE_DATA")
    own = str(Path(root) / name) if root else f"{name}/ in a folder that SONDE_DATA names"
    files = ", ".join(file.name for file in entry.files)
    return f"place {files} (from {entry.url}) in {folder}, or the data in any form that can be read in {own}"


def _converted(folder: Path, name: str) -> Path | None:
    """The NPZ made earlier, if it is still as it was written."""
    target, record = folder / f"{name}.npz", folder / RECORD
    if not (target.exists() and record.exists()):
        return None
    return target if read_json(record) == {target.name: sha256(target)} else None


def _convert(archive: Path, layout: CifarLayout, target: Path, tick: Tick) -> Path:
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        cifar.convert(archive, layout, part, tick=tick)
        digest = sha256(part)
        os.replace(part, target)
        write_json(target.with_name(RECORD), {target.name: digest})
    except OSError as error:
        raise DataError(
            f"cannot write {target}: {error.strerror}; free some space, or set SONDE_CACHE to a folder"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return target
