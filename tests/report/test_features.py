"""The section on what a network looks for."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sonde.report.features import PICTURES_BYTES, Features, features_section
from sonde.report.folder import read_folder
from sonde.report.page import write_page


def png_of(run: Path) -> bytes:
    return (run / "evaluation" / "test" / "worst" / "0.png").read_bytes()


def found(run: Path) -> dict[str, Any]:
    """What a run leaves: two layers of two channels, and filters."""
    pictures = run / "evaluation" / "features"
    pictures.mkdir()
    layers = []
    for place, name in enumerate(("conv1", "layer4.1")):
        shown = []
        for channel, classes in ((7, {"cat": 5, "dog": 1}), (9, {"cat": 3, "dog": 3})):
            picture = f"features/{place}-{channel}.png"
            (run / "evaluation" / picture).write_bytes(png_of(run))
            shown.append({"channel": channel, "rows": [f"test/{channel}.png"], "classes": classes, "picture": picture})
        layers.append({"name": name, "channels": 1280, "side": 11 + place, "shown": shown})
    (pictures / "filters.png").write_bytes(png_of(run))
    filters = {
        "layer": "conv1",
        "count": 96,
        "shown": 64,
        "size": [7, 5],
        "reason": "",
        "picture": "features/filters.png",
    }
    return {"split": "test", "rows": 300, "reason": "", "filters": filters, "layers": layers}


def section(run: Path, content: dict[str, Any]) -> Features:
    shown = features_section(content, run / "evaluation")
    assert shown is not None
    return shown


def test_layers_and_filters_are_described(image_run: Path):
    shown = section(image_run, found(image_run))
    assert shown.about.startswith("From 300 test images: each strip shows the patches")
    assert [layer.name for layer in shown.layers] == ["Early layer: conv1", "Late layer: layer4.1"]
    assert shown.layers[1].caption == "2 of 1,280 channels, the most selective; receptive field about 12x12 pixels"
    assert [strip.caption for strip in shown.layers[0].strips] == ["channel 7: 5 of 6 are cat", "channel 9"]
    assert [strip.alt for strip in shown.layers[0].strips] == ["test/7.png", "test/9.png"]
    assert shown.filters_caption == "The 64 strongest of 96 filters of the layer conv1: 7x5 pixels; mid-grey is 0."
    kind, _, content = shown.filters.partition(",")
    assert (kind, base64.b64decode(content)) == ("data:image/png;base64", png_of(image_run))
    assert shown.reasons == []


def test_what_is_not_shown_has_its_reason(image_run: Path):
    content = {"split": "test", "rows": 0, "reason": "too slow", "filters": {"reason": "no pixels", "picture": None}}
    shown = section(image_run, {**content, "layers": []})
    assert shown.reasons == ["Filters are not shown: no pixels.", "Layers are not shown: too slow."]
    assert (shown.about, shown.filters, shown.layers) == ("", "", [])


def test_there_is_an_end_to_pictures(image_run: Path):
    content = found(image_run)
    large = png_of(image_run) + bytes(50_000)
    picture = content["layers"][0]["shown"][0]["picture"]
    (image_run / "evaluation" / picture).write_bytes(large)
    content["layers"][0]["shown"] *= 20
    strips = section(image_run, content).layers[0].strips
    shown = [strip for strip in strips if strip.caption.startswith("channel 7")]
    assert len(shown) == PICTURES_BYTES // len(large)
    assert len(strips) > len(shown)  # small ones still have room


def test_only_pictures_of_the_folder_are_taken(image_run: Path):
    content = found(image_run)
    content["filters"]["picture"] = "../../secret.png"
    (image_run.parent / "secret.png").write_bytes(png_of(image_run))
    assert section(image_run, content).filters == ""


def test_other_runs_have_no_such_section(table_run: Path):
    assert features_section({}, table_run) is None
    assert "Learned features" not in write_page(read_folder(table_run)).read_text(encoding="utf-8")


def test_it_stands_on_the_page(image_run: Path):
    content = found(image_run)
    content["layers"][0]["name"] = "<b>conv</b>"
    (image_run / "evaluation" / "features.json").write_text(json.dumps(content))
    page = write_page(read_folder(image_run)).read_text(encoding="utf-8")
    assert "Learned features" in page
    assert "Early layer: &lt;b&gt;conv&lt;/b&gt;" in page
    assert page.count("channel 7: 5 of 6 are cat") == 2


def test_with_as_many_pictures_as_there_can_be_the_page_stays_under_two_megabytes(image_run: Path):
    content = found(image_run)
    place = image_run / "evaluation" / "test"
    for stem in ("worst", "best"):
        (place / stem).mkdir(exist_ok=True)
        entries = [{"index": i + 100 * (stem == "best"), "row": "r", "picture": f"{stem}/b{i}.png"} for i in range(24)]
        for entry in entries:
            (place / entry["picture"]).write_bytes(png_of(image_run) + bytes(58_000))
        (place / f"{stem}.json").write_text(json.dumps(entries))
    for channel in (*content["layers"][0]["shown"], *content["layers"][1]["shown"]):
        (image_run / "evaluation" / channel["picture"]).write_bytes(png_of(image_run) + bytes(58_000))
    (image_run / "evaluation" / "features.json").write_text(json.dumps(content))
    page = write_page(read_folder(image_run)).read_text(encoding="utf-8")
    assert 1_000_000 < len(page.encode()) < 2_000_000
    assert "Lowest loss" in page
    assert page.count("picture left out") > 20


@pytest.mark.parametrize("missing", ["filters", "layers"])
def test_parts_may_be_missing(image_run: Path, missing: str):
    content = found(image_run)
    del content[missing]
    assert section(image_run, content).reasons == []
