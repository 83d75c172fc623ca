"""What is shown of a run's answers while it trains."""

from pathlib import Path

from sample_runs import append, begun, put, step

from sonde.report.folder import read_folder
from sonde.report.page import render
from sonde.report.samples import reconstructions
from sonde.report.sections import sections
from sonde.run.report import added_by

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
    "c0000000030001018dd8db0000000049454e44ae426082"
)


def trained(tmp_path: Path, task: str, **files: object) -> Path:
    folder = begun(tmp_path / "run", task=task)
    append(folder, step(10))
    for stem, content in files.items():
        put(folder / "samples" / "validation" / f"{stem}.json", content)
    put(folder / "samples" / "about.json", {"step": 1200, "epoch": 3, "split": "validation", "files": [*files]})
    return folder


def test_a_text_is_shown_as_text(tmp_path: Path) -> None:
    folder = trained(tmp_path, "language-model", written=[{"temperature": 0.8, "text": "once <script>x</script>"}])
    run = read_folder(folder)
    shown = sections(run, added_by(run))["samples"]
    assert "Made after step 1,200 from the weights as they were then" in shown
    assert "<pre>once &lt;script&gt;x&lt;/script&gt;</pre>" in shown
    put(folder / "result.json", {"status": "finished", "steps": 10, "metrics": {}})
    assert "Samples so far" not in render(read_folder(folder))


def test_files_that_are_no_samples_are_passed_over(tmp_path: Path) -> None:
    folder = trained(tmp_path, "language-model", written=[{"temperature": 0.8, "text": "x"}])
    about = {"step": "?", "split": "../..", "files": ["written"]}
    put(folder / "samples" / "about.json", about)
    assert read_folder(folder).samples == {}
    put(folder / "samples" / "about.json", {**about, "split": "validation", "files": ["../x", 3, "gone", "written"]})
    assert [*read_folder(folder).samples["files"]] == ["written"]
    put(folder / "samples" / "validation" / "written.json", {"text": 3})
    assert "</html>" in render(read_folder(folder))


def test_damaged_samples_leave_the_rest_of_the_page(tmp_path: Path) -> None:
    folder = trained(tmp_path, "masked-autoencoder", reconstructed=[3])
    page = render(read_folder(folder))
    assert "samples/ does not hold what a run writes there" in page
    assert "Training curves" in page


def test_restored_images_are_three_pictures_a_row(tmp_path: Path) -> None:
    for which in ("given", "seen", "found"):
        (tmp_path / f"{which}.png").write_bytes(PIXEL)
    pictures = {which: f"{which}.png" for which in ("given", "seen", "found")}
    entries = [{"row": '"<b>', "pictures": pictures}, {"row": "2", "pictures": {**pictures, "found": "../found.png"}}]
    found = reconstructions({"reconstructed": entries}, tmp_path)
    assert found is not None
    assert found.html.count("<img") == 3  # the other has none inside its folder
    assert "&#34;&lt;b&gt;, what the network saw" in found.html
    assert reconstructions({}, tmp_path) is None
