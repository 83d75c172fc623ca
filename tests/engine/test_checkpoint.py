import shutil
from pathlib import Path

import pytest
import torch

from sonde.core.errors import RunFolderError
from sonde.engine import checkpoint
from sonde.engine.tree import same


def state(step: int) -> dict:
    return {"progress": {"step": step}, "moments": {0: torch.full((3,), float(step))}}


def weights(step: int) -> dict:
    tied = torch.arange(6.0).view(2, 3) + step
    return {"a": tied, "b": tied, "c": torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last)}


def saved(folder: Path, *steps: int) -> checkpoint.Writer:
    writer = checkpoint.Writer(folder)
    for step in steps:
        writer.save(weights(step), state(step))
    writer.wait()
    return writer


def silent(text: str) -> None: ...


def test_what_was_written_is_read(tmp_path: Path) -> None:
    held = weights(1)
    checkpoint.write(tmp_path / "c", held, state(1))
    again, tree = checkpoint.read(tmp_path / "c")
    assert same(tree, state(1))
    assert all(torch.equal(again[name], value) for name, value in held.items())


def test_last_and_previous_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "previous"]
    found = checkpoint.newest(tmp_path, report=silent)
    assert found is not None
    assert found[2]["progress"]["step"] == 3
    assert checkpoint.read(tmp_path / "previous")[1]["progress"]["step"] == 2


@pytest.mark.parametrize("name", ["weights.safetensors", "state.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_checkpoint_is_named_and_the_previous_one_used(tmp_path: Path, name: str, damage: str) -> None:
    saved(tmp_path, 1, 2)
    path = tmp_path / "last" / name
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:-7])
    elif damage == "altered":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        path.unlink()
    said: list[str] = []
    found = checkpoint.newest(tmp_path, report=said.append)
    assert found is not None
    assert found[2]["progress"]["step"] == 1
    assert f"last/{name}" in said[0]
    assert "previous checkpoint, step 1" in said[1]


def test_before_and_after_the_write_a_whole_one_is_found(tmp_path: Path) -> None:
    writer = saved(tmp_path / "run", 1, 2)
    snapshots: list[Path] = []

    def probe(where: str) -> None:
        target = tmp_path / f"at-{where}"
        shutil.copytree(tmp_path / "run", target)
        snapshots.append(target)

    writer._probe = probe
    writer.save(weights(3), state(3))
    writer.wait()
    assert [snapshot.name for snapshot in snapshots] == ["at-write", "at-rename", "at-done"]
    for snapshot in snapshots:
        found = checkpoint.newest(snapshot, report=silent)
        assert found is not None
        assert found[2]["progress"]["step"] == (2 if snapshot.name == "at-write" else 3)


def test_each_rename_of_the_rotation_leaves_a_whole_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "run", 1, 2)
    checkpoint.write(tmp_path / "run" / ".new-3", weights(3), state(3))
    seen = []
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        result = real(self, target)
        found = checkpoint.newest(tmp_path / "run", report=silent)
        seen.append(None if found is None else found[2]["progress"]["step"])
        return result

    monkeypatch.setattr(Path, "rename", rename)
    checkpoint.put_in_place(tmp_path / "run", tmp_path / "run" / ".new-3")
    assert seen == [3, 3, 3]


def test_best_is_in_place_before_last_tells_of_it(tmp_path: Path) -> None:
    writer = checkpoint.Writer(tmp_path)
    order: list[list[str]] = []
    writer._probe = lambda where: order.append(sorted(p.name for p in tmp_path.iterdir()))
    writer.save(weights(1), state(1), best=(weights(1), {"best": {"step": 1}}))
    writer.wait()
    first_with_last = next(names for names in order if "last" in names)
    assert "best" in first_with_last
    assert checkpoint.read(checkpoint.best_folder(tmp_path))[1]["best"]["step"] == 1


def test_weights_may_move_while_the_writer_writes(tmp_path: Path) -> None:
    import threading

    go = threading.Event()

    def hold(place: str) -> None:
        if place == "write":
            go.wait(5)

    writer = checkpoint.Writer(tmp_path, stop_here=hold)
    live = {"a": torch.ones(1000)}
    moments = {"progress": {"step": 1}, "m": torch.ones(1000)}
    writer.save(live, moments)
    live["a"].zero_()
    moments["m"].zero_()
    go.set()
    writer.wait()
    held, tree = checkpoint.read(tmp_path / "last")
    assert bool((held["a"] == 1).all())
    assert bool((tree["m"] == 1).all())


def test_a_full_disk_is_said_and_the_previous_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = saved(tmp_path, 1)

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_bytes", full)
    writer.save(weights(2), state(2))
    with pytest.raises(
        RunFolderError, match="cannot write a checkpoint .* No space left on device; the previous one is intact"
    ):
        writer.wait()
    found = checkpoint.newest(tmp_path, report=silent)
    assert found is not None
    assert found[2]["progress"]["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last"]


def test_no_pickle_is_written(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    assert {p.suffix for p in (tmp_path / "last").iterdir()} == {".safetensors", ".json"}


def test_the_state_is_read_without_the_weights(tmp_path: Path) -> None:
    checkpoint.write(
        tmp_path / "best", {"weight": torch.ones(3)}, {"best": {"step": 3}, "taken": {1: torch.tensor([2, 0])}}
    )
    (tmp_path / "best" / "weights.safetensors").unlink()
    state = checkpoint.read_state(tmp_path / "best")
    assert state["best"] == {"step": 3}
    assert state["taken"][1].tolist() == [2, 0]
    (tmp_path / "best" / "state.safetensors").write_bytes(b"torn")
    with pytest.raises(RunFolderError, match="modified"):
        checkpoint.read_state(tmp_path / "best")
