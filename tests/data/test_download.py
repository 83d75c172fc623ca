"""Against a real HTTP server on 127.0.0.1 that can be told to misbehave."""

import errno
import hashlib
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sonde.core.errors import DataError
from sonde.data import download
from sonde.data.download import RemoteFile, Unobtainable, fetch

CONTENT = bytes(range(256)) * 4096  # 1 MiB: several reads
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT at any path; the path's first part says how: good, short, altered, broken, …."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None]] = []  # path, Range header
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        kind = to.path.split("/")[1]
        asked = to.headers.get("Range")
        self.requests.append((to.path, asked))
        if kind == "slow":
            time.sleep(0.3)
        if kind in ("missing", "busy"):
            to.send_error(404 if kind == "missing" else 503)
            return
        content = {"short": CONTENT[:-1000], "altered": CONTENT[:-1] + b"!", "long": CONTENT + b"more"}.get(
            kind, CONTENT
        )
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and kind != "whole" else 0
        if start >= len(content):
            to.send_error(416)
            return
        to.send_response(206 if start else 200)
        if start:
            to.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        to.send_header("Content-Length", str(len(content) - start))
        to.end_headers()
        if kind == "broken" and not start:  # half, then the connection ends; a request for the rest is served
            to.wfile.write(content[: len(content) // 2])
            to.close_connection = True
        elif kind == "dying":
            to.wfile.write(content[start : start + 1000])
            to.close_connection = True
        else:
            to.wfile.write(content[start:])


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.httpd.shutdown()
    running.httpd.server_close()


def remote(server: Server, *kinds: str) -> RemoteFile:
    mirrors = tuple(f"http://{server.address}/{kind}/file.bin" for kind in kinds)
    return RemoteFile(name="file.bin", size=len(CONTENT), sha256=DIGEST, mirrors=mirrors)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".file.bin.lock"}


def test_a_good_file_arrives_whole_and_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    ticks: list[tuple[str, int, int]] = []
    folder = tmp_path / "new" / "folder"
    path = fetch(remote(server, "good"), folder, tick=lambda *t: ticks.append(t))
    assert path == folder / "file.bin"
    assert path.read_bytes() == CONTENT
    assert ticks[-1] == ("downloading file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in ticks] == sorted(done for _, done, _ in ticks)
    fetch(remote(server, "good"), folder)
    assert len(server.requests) == 1
    assert left(folder) == {"file.bin"}


@pytest.mark.parametrize("kind", ["short", "altered", "long"])
def test_a_wrong_file_is_named_with_both_checksums_and_removed(server: Server, tmp_path: Path, kind: str) -> None:
    wrong = {"short": CONTENT[:-1000], "altered": CONTENT[:-1] + b"!", "long": CONTENT + b"more"}[kind]
    with pytest.raises(Unobtainable) as caught:
        fetch(remote(server, kind), tmp_path)
    message = str(caught.value)
    assert message.startswith("cannot download file.bin (127.0.0.1:")
    assert f"expected sha256 {DIGEST}, got {hashlib.sha256(wrong).hexdigest()}" in message
    assert ("1,047,576 of 1,048,576 bytes" in message) == (kind == "short")
    assert "\n" not in message
    assert left(tmp_path) == set()
    assert len(server.requests) == 1  # a whole wrong answer is not asked for twice


def of_unknown_size(server: Server, *kinds: str, digits: str = DIGEST[:8]) -> RemoteFile:
    mirrors = tuple(f"http://{server.address}/{kind}/file.bin" for kind in kinds)
    return RemoteFile(name="file.bin", sha256=digits, mirrors=mirrors)


def test_of_a_file_the_first_digits_of_its_checksum_are_enough(server: Server, tmp_path: Path) -> None:
    for kind in ("good", "broken"):  # the second goes on where the connection ended
        path = fetch(of_unknown_size(server, kind), tmp_path / kind)
        assert path.read_bytes() == CONTENT
        assert fetch(of_unknown_size(server, kind), tmp_path / kind) == path
    assert [asked for _, asked in server.requests] == [None, None, f"bytes={len(CONTENT) // 2}-"]
    for kind in ("altered", "long", "short"):
        with pytest.raises(Unobtainable, match=f"expected sha256 {DIGEST[:8]}, got "):
            fetch(of_unknown_size(server, kind), tmp_path / kind)
        assert left(tmp_path / kind) == set()
    with pytest.raises(Unobtainable, match="connection ended after 2,000 of 1,048,576 bytes"):
        fetch(of_unknown_size(server, "dying"), tmp_path / "dying")


def test_the_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    assert fetch(remote(server, "missing", "altered", "good"), tmp_path).read_bytes() == CONTENT
    assert [path.split("/")[1] for path, _ in server.requests] == ["missing", "altered", "good"]


def test_a_missing_file_is_asked_for_once_and_a_busy_server_twice(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unobtainable, match=r"127\.0\.0\.1:\d+: HTTP 404 Not Found; .*: HTTP 503 Service Unavailable\)"):
        fetch(remote(server, "missing", "busy"), tmp_path)
    assert [path.split("/")[1] for path, _ in server.requests] == ["missing", "busy", "busy"]


def test_a_broken_connection_is_continued_where_it_ended(server: Server, tmp_path: Path) -> None:
    assert fetch(remote(server, "broken"), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, f"bytes={len(CONTENT) // 2}-"]


def test_what_arrived_is_kept_for_the_next_call(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unobtainable, match="connection ended after 2,000 of 1,048,576 bytes"):
        fetch(remote(server, "dying"), tmp_path)
    assert left(tmp_path) == {".file.bin.part"}
    assert fetch(remote(server, "good"), tmp_path).read_bytes() == CONTENT
    assert server.requests[-1][1] == "bytes=2000-"


def test_a_server_that_cannot_continue_sends_all_of_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".file.bin.part").write_bytes(b"x" * 5000)
    assert fetch(remote(server, "whole"), tmp_path).read_bytes() == CONTENT


def test_an_old_part_with_other_content_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".file.bin.part").write_bytes(b"x" * 5000)
    assert fetch(remote(server, "good"), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == ["bytes=5000-", None]


def test_a_part_longer_than_what_the_server_holds_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".file.bin.part").write_bytes(CONTENT[:-10])
    with pytest.raises(Unobtainable, match="1,047,576 of 1,048,576 bytes, expected sha256"):
        fetch(remote(server, "short"), tmp_path)
    assert left(tmp_path) == set()


def test_an_altered_copy_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"edited")
    assert fetch(remote(server, "good"), tmp_path).read_bytes() == CONTENT


def test_an_altered_copy_is_named_when_it_cannot_be_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"edited")
    got = hashlib.sha256(b"edited").hexdigest()
    with pytest.raises(
        Unobtainable,
        match=rf"does not match its checksum \(6 of 1,048,576 bytes, expected sha256 {DIGEST}, got {got}\)",
    ):
        fetch(remote(server, "missing"), tmp_path)


def test_a_refused_connection_says_so(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = RemoteFile(name="file.bin", size=1, sha256=DIGEST, mirrors=(f"http://127.0.0.1:{port}/file.bin",))
    with pytest.raises(Unobtainable, match=rf"cannot download file.bin \(127\.0\.0\.1:{port}: Connection refused\)"):
        fetch(file, tmp_path)


def test_silence_ends_after_the_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_S", 0.1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        file = RemoteFile(name="file.bin", size=1, sha256=DIGEST, mirrors=(f"http://{address}/file.bin",))
        with pytest.raises(Unobtainable, match=r"no answer within 0\.1 s"):
            fetch(file, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match=r"cannot write to .*taken/folder: Not a directory; .* set SONDE_CACHE"):
        fetch(remote(server, "good"), tmp_path / "taken" / "folder")


def test_a_full_disk_is_not_blamed_on_the_mirror(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DataError, match=r"cannot write to .*: No space left on device; free some space"):
        fetch(remote(server, "good"), tmp_path)


def fetch_in_child(address: str, folder: Path, ready: Any) -> None:
    """For the test below: one of several processes that want the same file at the same moment."""
    file = RemoteFile(name="file.bin", size=len(CONTENT), sha256=DIGEST, mirrors=(f"http://{address}/slow/file.bin",))
    ready.wait(60)
    assert fetch(file, folder).read_bytes() == CONTENT


def test_processes_that_want_the_same_file_take_turns(server: Server, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    ready = context.Barrier(3)
    children = [context.Process(target=fetch_in_child, args=(server.address, tmp_path, ready)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert len(server.requests) == 1
