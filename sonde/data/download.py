"""One file from the network: from the first mirror that delivers, whole and with the expected checksum, or not at all."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sonde.core.errors import DataError
from sonde.core.files import sha256, sync_folder
from sonde.core.progress import Tick, silent

Opener = Callable[..., Any]
"""Called as opener(request, timeout=seconds); answers like `urllib.request.urlopen`."""

TIMEOUT_S = 30.0  # without a byte; not for the whole transfer
TRIES = 2  # per mirror: the second goes on where a broken connection left the first
CHUNK_BYTES = 1 << 18
RANGE_REFUSED = 416  # HTTP: the part on disk is as long as the file or longer
PARTIAL = 206  # HTTP: the server does continue where it was asked to


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file on the network and what it must turn out to be."""

    name: str
    size: int = 0  # bytes; 0 where only the checksum is published
    sha256: str  # or its first digits, where no more are published
    mirrors: tuple[str, ...]  # complete addresses, tried in this order

    def has(self, digest: str) -> bool:
        """Whether content with this SHA-256 is the file."""
        return digest.startswith(self.sha256)


class Unobtainable(DataError):
    """No mirror delivered the file; the message holds each one's reason."""


class Undelivered(Exception):
    """One try at one mirror failed; `retry` says whether another at the same mirror can help, `code` is HTTP's."""

    def __init__(self, reason: str, *, retry: bool, code: int = 0) -> None:
        super().__init__(reason)
        self.retry = retry
        self.code = code


def fetch(file: RemoteFile, folder: Path, *, tick: Tick = silent, opener: Opener = urllib.request.urlopen) -> Path:
    """`folder`/`file.name` with the expected content: as it stands there already, else downloaded.

    A broken connection leaves a hidden .part file that the next call goes on with; a file that arrives short or altered
    leaves nothing. Processes that ask for the same file take turns, so all but the first find it there.

    Raises: Unobtainable when no mirror delivers; DataError when the folder cannot be written
    """
    target = folder / file.name
    with _writable(folder), _turn(folder / f".{file.name}.lock"):
        reasons = []
        if target.exists():
            got = sha256(target)
            if file.has(got):
                return target
            reasons.append(
                f"the file in {folder} does not match its checksum ({_mismatch(file, target.stat().st_size, got)})"
            )
        part = folder / f".{file.name}.part"
        for mirror in file.mirrors:
            reason = _try_mirror(file, mirror, part, tick=tick, opener=opener)
            if reason is None:
                os.replace(part, target)
                sync_folder(folder)
                return target
            reasons.append(f"{urlsplit(mirror).netloc}: {reason}")
    raise Unobtainable(f"cannot download {file.name} ({'; '.join(reasons)})")


def _try_mirror(file: RemoteFile, mirror: str, part: Path, *, tick: Tick, opener: Opener) -> str | None:
    """None once `part` holds the checked file, else why this mirror did not deliver."""
    reason = None
    for _ in range(TRIES):
        try:
            continued = _transfer(file, mirror, part, tick=tick, opener=opener)
            _check(file, part, continued=continued)
        except Undelivered as trouble:
            reason = str(trouble)
            if not trouble.retry:
                break
        else:
            return None
    return reason


def _transfer(file: RemoteFile, mirror: str, part: Path, *, tick: Tick, opener: Opener) -> bool:
    """Append what `part` lacks, or start over where the server cannot continue; whether it continued."""
    held = part.stat().st_size if part.exists() else 0
    if file.size and held >= file.size:
        part.unlink()
        held = 0
    with _ask(mirror, part, held, opener) as response:
        continues = response.status == PARTIAL and _starts_at(response.headers.get("Content-Range", ""), held)
        start = done = held if continues else 0
        with part.open("ab" if continues else "wb") as out:
            for chunk in _chunks(response):
                out.write(chunk)
                done += len(chunk)
                tick(f"downloading {file.name}", done, file.size)
                if file.size and done > file.size:
                    break  # not our file, and perhaps endless
            out.flush()
            os.fsync(out.fileno())
        promised = response.headers.get("Content-Length")
    # http.client's read(n) does not say so itself
    if promised is not None and done - start < int(promised) and not (file.size and done >= file.size):
        raise Undelivered(f"connection ended after {done:,} of {start + int(promised):,} bytes", retry=True)
    return continues


def _ask(mirror: str, part: Path, held: int, opener: Opener) -> Any:
    """The open response for `mirror` from byte `held` on."""
    # identity: a proxy that compressed a .gz once more would change the bytes we check
    headers = {"User-Agent": "sonde", "Accept-Encoding": "identity"} | ({"Range": f"bytes={held}-"} if held else {})
    try:
        with _network():
            return opener(urllib.request.Request(mirror, headers=headers), timeout=TIMEOUT_S)
    except Undelivered as trouble:
        if trouble.code == RANGE_REFUSED:
            part.unlink()
            raise Undelivered(f"it holds no more than {held:,} bytes", retry=True) from None
        raise


def _chunks(response: Any) -> Iterator[bytes]:
    while True:
        with _network():
            chunk = response.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _starts_at(content_range: str, start: int) -> bool:
    """Whether "bytes 100-199/200" begins at `start`.

    >>> _starts_at("bytes 100-199/200", 100), _starts_at("bytes 0-199/200", 100)
    (True, False)
    """
    return content_range.startswith(f"bytes {start}-")


def _check(file: RemoteFile, part: Path, *, continued: bool) -> None:
    """Raises: Undelivered, with `part` removed, when it is not the file; worth a retry when an old part was continued."""
    size, got = part.stat().st_size, sha256(part)
    if not file.has(got):
        part.unlink()
        raise Undelivered(_mismatch(file, size, got), retry=continued)


def _mismatch(file: RemoteFile, size: int, got: str) -> str:
    short = f"{size:,} of {file.size:,} bytes, " if file.size and size != file.size else ""
    return f"{short}expected sha256 {file.sha256}, got {got}"


@contextmanager
def _network() -> Iterator[None]:
    """What the network does wrong, as `Undelivered`; faults of the disk pass by, for they are met elsewhere."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise Undelivered(f"HTTP {error.code} {error.reason}", retry=error.code >= 500, code=error.code) from None
    except urllib.error.URLError as error:
        raise Undelivered(_words(error.reason), retry=isinstance(error.reason, TimeoutError)) from None
    except TimeoutError:
        raise Undelivered(f"no answer within {TIMEOUT_S:g} s", retry=True) from None
    except (OSError, HTTPException) as error:
        raise Undelivered(f"connection broke: {_words(error)}", retry=True) from None


def _words(reason: object) -> str:
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(reason).__name__


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make `folder`. Raises: DataError naming it where it, or a file in it, cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(
            f"cannot write to {folder}: {_words(error)}; free some space, or set SONDE_CACHE to a folder"
        ) from None


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Wait until no other process of this machine holds `lock` (flock: it ends with the process, however that dies)."""
    if os.name != "posix":
        yield  # Windows has no flock; two downloads at once then fail their checksums and say so
        return
    import fcntl

    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
