"""Published weights: where they would be, checked by what their names say; the server is one of our own."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from sonde.core.errors import ConfigError, DataError
from sonde.models.pretrained import read_weights
from sonde.models.table import MODELS
from sonde.run import published
from sonde.run.published import FILES, locate


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """(folder that is served, its address)."""
    folder = tmp_path / "served"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def publish(folder: Path, monkeypatch: pytest.MonkeyPatch, *, digits: str | None = None) -> str:
    """Put weights where `resnet18`'s would be, under a name with their checksum (or other digits)."""
    torch.save({"fc.bias": torch.arange(3.0)}, folder / "made.pth")
    content = (folder / "made.pth").read_bytes()
    name = f"resnet18-{digits or hashlib.sha256(content).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(content)
    monkeypatch.setattr(published, "FILES", {"resnet18": name})
    return name


def test_each_file_is_a_network_of_the_catalogue_and_names_its_checksum():
    assert FILES.keys() - MODELS.keys() == set()
    for name in FILES.values():
        digits = name.removesuffix(".pth").rpartition("-")[2]
        assert len(digits) == 8
        assert int(digits, 16) >= 0


def test_a_file_is_downloaded_once_and_checked(server, cache: Path, monkeypatch: pytest.MonkeyPatch):
    folder, address = server
    name = publish(folder, monkeypatch)
    path = locate("resnet18", mirror=address)
    assert path == cache / "weights" / name
    assert torch.equal(read_weights(path)["fc.bias"], torch.arange(3.0))
    (folder / name).unlink()
    assert locate("resnet18", mirror=address) == path  # not asked for again


def test_another_content_than_the_name_says_is_refused(server, cache: Path, monkeypatch: pytest.MonkeyPatch):
    folder, address = server
    publish(folder, monkeypatch, digits="00000000")
    with pytest.raises(DataError, match="expected sha256 00000000, got "):
        locate("resnet18", mirror=address)
    assert [path.name for path in (cache / "weights").glob("*.pth")] == []


def test_offline_it_says_which_file_to_place_where(cache: Path):
    with pytest.raises(DataError) as caught:
        locate("resnet18", mirror="http://127.0.0.1:9/")
    message = str(caught.value)
    assert message.startswith("--pretrained imagenet: cannot download resnet18-f37072fd.pth (127.0.0.1:9: ")
    assert f"put resnet18-f37072fd.pth (from http://127.0.0.1:9/) into {cache / 'weights'}, or give it as" in message


def test_a_network_without_published_weights_is_said_to_be_one():
    with pytest.raises(
        ConfigError, match="no published weights are known for vit-tiny-16; give a file of weights, or use"
    ):
        locate("vit-tiny-16")
