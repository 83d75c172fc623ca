from collections.abc import Callable
from pathlib import Path

from sonde.comparison.members import members_of
from sonde.comparison.own_code import code_differing


def test_code_is_told_by_the_layers_that_differ_and_else_by_its_version(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    def network(width: int) -> dict[str, str]:
        text = f"Sequential(\n  (0): Linear(in_features=64, out_features={width}, bias=True)\n  (1): ReLU()\n)"
        return {"name": "Sequential", "hash": str(width), "text": text}

    loss = {"name": "smooth", "hash": "1"}
    make_run(tmp_path / "a", code={"python": "3.11", "network": network(16), "loss": loss})
    make_run(tmp_path / "b", code={"python": "3.12", "network": network(64), "loss": loss | {"hash": "2"}})
    make_run(tmp_path / "c", code={"network": network(64), "loss": loss, "file": {"name": "f.py", "sha256": "9"}})
    assert code_differing(members_of([tmp_path])) == [
        (
            "network",
            ["Sequential: (0): Linear(64, 16, True)"] + ["Sequential: (0): Linear(64, 64, True)"] * 2,
        ),
        ("file", ["–", "–", "f.py"]),
        ("loss", ["smooth, version 1", "smooth, version 2", "smooth, version 1"]),
    ]
