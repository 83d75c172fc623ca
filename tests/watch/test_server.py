"""`sonde watch` as a process of its own, asked as a browser asks it."""

import http.client
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sample_runs import append, begun, evaluation, finished, served, step

from sonde.core.errors import ConfigError
from sonde.watch.server import DEFAULT, listen

for package in ("starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[watch]'")


TWO = 'two & "three"'
ELSEWHERE = ["../../etc", "..%2f..%2fetc", "%2e%2e/one", "one/..", "one/checkpoints", "", "nothing", "one%00"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    append(begun(root / "one"), *map(step, (10, 20, 30)), evaluation(30, 0.5))
    finished(begun(root / TWO))
    begun(begun(root / "cv") / "fold-1")
    return root


@pytest.fixture(scope="module")
def port(root: Path) -> Iterator[int]:
    process, _, port = served(str(root / "one"), "--port", "0")
    yield port
    process.kill()
    process.communicate()


def asked(port: int, path: str, *, host: str = "localhost") -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_the_run_that_was_named_comes_first(port: int) -> None:
    status, headers, _ = asked(port, "/")
    assert (status, headers["Location"]) == (302, "/run/one")
    status, headers, html = asked(port, "/run/one")
    assert status == 200
    assert "Died at step 30" in html
    assert "<h2>Training curves</h2>" in html
    assert "script-src 'self'" in headers["Content-Security-Policy"]


def test_nothing_comes_from_elsewhere(port: int) -> None:
    """It works offline and through a tunnel."""
    texts = [asked(port, path)[2] for path in ("/run/one", "/style.css", "/script.js")]
    addresses = {found for text in texts for found in re.findall(r"https?://[^\s\"'<)]+", text)}
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_the_other_runs_and_folds_are_listed(port: int) -> None:
    html = asked(port, "/run/one")[2]
    assert re.findall(r'href="/run/([^"]+)"', html) == ["two%20%26%20%22three%22", "one", "cv", "cv/fold-1"]
    assert "Finished" in asked(port, "/run/two%20%26%20%22three%22")[2]
    assert "Ended before its first step" in asked(port, "/run/cv/fold-1")[2]


@pytest.mark.parametrize(
    "key", ["../../etc", "..%2f..%2fetc", "%2e%2e/one", "one/..", "one/checkpoints", "", "nothing", "one%00"]
)
def test_no_other_folder_is_read(port: int, key: str) -> None:
    for kind in ("run", "report"):
        assert asked(port, f"/{kind}/{key}")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.1"])
def test_a_name_that_leads_here_from_elsewhere_is_refused(port: int, host: str) -> None:
    """DNS rebinding: a page of somebody else's whose name was made to lead to this machine."""
    for path in ("/", "/run/one", "/events/one", "/report/one", "/script.js"):
        assert asked(port, path, host=host)[0] == 400
    assert asked(port, "/run/one", host="127.0.0.1")[0] == 200


def test_the_report_is_drawn_as_the_folder_is_now_and_is_shut_in(port: int) -> None:
    status, headers, html = asked(port, "/report/one")
    assert status == 200
    assert html.startswith("<!doctype html>")
    assert "<h2>Training curves</h2>" in html
    assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none'")


class Stream:
    """The events of a run."""

    def __init__(self, port: int, path: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request("GET", path, headers={"Host": "localhost"})
        self.answer = self.connection.getresponse()

    def close(self) -> None:
        self.answer.close()  # which holds the socket too
        self.connection.close()

    def next(self) -> dict:
        while not (line := self.answer.readline()).startswith(b"data: "):
            assert line, "the stream ended"
        return json.loads(line[6:])


def test_a_stream_tells_what_changed_and_nothing_else(port: int, root: Path) -> None:
    html = asked(port, "/run/one")[2]
    version = re.search(r'data-version="(\w+)"', html)
    assert version is not None
    with closing(Stream(port, f"/events/one?version={version[1]}")) as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        append(root / "one", step(40))
        changed = {}
        while "top" not in changed:  # the list of runs may come before it
            changed |= stream.next()["parts"]
    assert set(changed) == {"top", "learning", "runs"}  # the page had the rest
    assert "Died at step 40" in changed["top"]


def test_a_stream_of_a_part(port: int) -> None:
    with closing(Stream(port, "/events/one?from=10&to=30")) as stream:
        parts = stream.next()["parts"]
    assert 'data-across="10 30 64 446"' in parts["learning"]
    assert "<h2>Settings</h2>" in parts["settings"]


def test_ctrl_c_ends_calmly_also_while_a_page_is_open(root: Path) -> None:
    process, said, port = served(str(root), "--port", "0")
    assert said == f"watching {root / TWO} at http://127.0.0.1:{port}\n"  # of runs begun together the last by name
    with closing(Stream(port, "/events/one")) as stream:
        stream.next()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("the page has ended; training continues\n")


def test_a_port_that_is_in_use() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port {port} is in use; give another, or leave it out to use one"):
            listen(port)


def test_the_next_port_is_taken_where_none_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sonde.watch.server.DEFAULT", port)
        with listen(None) as found:
            assert found.getsockname()[0] == "127.0.0.1"
            assert port < found.getsockname()[1] < port + 50
    assert DEFAULT == 7663


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(ConfigError, match=f"--port {port} is not a port; use one from 1024 to 65535"):
        listen(port)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may take any port")
def test_a_port_of_the_systems() -> None:
    with pytest.raises(ConfigError, match=r"--port 80 cannot be had \(Permission denied\)"):
        listen(80)


def test_other_machines_do_not_reach_it(port: int) -> None:
    other = socket.gethostbyname(socket.gethostname())
    if other.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError), socket.create_connection((other, port), timeout=2):  # noqa: PT011
        pass
