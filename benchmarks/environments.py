"""Environments of the peers, one each, so that none decides another's versions. `python -m benchmarks.environments` makes them.

They stand in .peers/<name> beside the project and are made once; nothing of them is committed.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"

# torchvision has no CPU build on some machines: --no-deps and the schemas of tools/torchvision_on_cpu.py make it importable
PEERS: dict[str, list[list[str]]] = {
    "torchvision": [[TORCH, "numpy", "pillow"], ["--no-deps", "torchvision==0.28.0"]],
    # beside timm, what sonde reads of others: benchmarks/throughput.py runs both in one process
    "timm": [
        [TORCH, "numpy", "pillow", "pyyaml", "safetensors", "huggingface_hub==2.4.0"],
        ["--no-deps", "torchvision==0.28.0", "timm==1.0.31"],
    ],
    "torchcfm": [
        [TORCH, "numpy", "scipy", "pillow"],
        ["--no-deps", "torchcfm==1.0.7", "torchdiffeq==0.2.5", "POT==0.9.7.post1"],
    ],
    "diffusers": [[TORCH, "numpy", "pillow"], ["diffusers==0.42.1"]],
    "vector-quantize-pytorch": [[TORCH, "numpy", "pillow", "pyarrow"], ["vector-quantize-pytorch==1.32.0"]],
    "stable-baselines3": [
        [TORCH, "numpy"],
        ["gymnasium==1.4.0", "box2d==2.3.10", "pygame", "stable-baselines3==2.9.2"],
    ],
    # what github.com/vwxyzjn/cleanrl is pinned to: its gymnasium knows neither NumPy 2 nor LunarLander-v3
    "cleanrl": [
        [TORCH, "numpy<2"],
        ["gymnasium==0.29.1", "box2d==2.3.10", "tyro==1.0.17", "tensorboard"],
    ],
    "open-spiel": [
        ["open-spiel==2.0.2", "jax==0.10.2", "flax", "chex", "optax", "orbax-checkpoint", "numpy"],
    ],
    # of github.com/vwxyzjn/cleanrl the file for Atari, with the wrappers that it takes from Stable-Baselines3
    "cleanrl-atari": [
        [TORCH, "numpy<2"],
        ["gymnasium==0.29.1", "ale-py==0.10.2", "opencv-python-headless==4.10.0.84", "tyro==1.0.17", "tensorboard"],
        ["stable-baselines3==2.3.2"],
    ],
    "lightning": [[TORCH, "numpy"], ["lightning==2.6.6"]],
    "keras": [[TORCH, "numpy"], ["keras==3.15.1", "jax==0.10.2"]],
    "fastai": [
        [
            TORCH,
            "numpy",
            "pillow",
            "pyyaml",
            "pandas",
            "scipy",
            "scikit-learn",
            "matplotlib",
            "spacy",
            "plum-dispatch<2.10",
        ],
        ["--no-deps", "torchvision==0.28.0", "fastai==2.8.12", "fasttransform==0.0.5", "fastdownload==0.0.8"],
        ["fastcore==2.2.41", "fastprogress==1.1.6", "python-fasthtml==0.14.14", "cloudpickle", "pyarrow"],
    ],
}


def python(name: str) -> Path:
    """The interpreter of a peer's environment, made if absent."""
    folder = ROOT / ".peers" / name
    interpreter = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for packages in PEERS[name]:
            subprocess.run([str(interpreter), "-m", "pip", "install", "-q", *packages], check=True)
        (folder / "ready").touch()
    return interpreter


def main() -> None:
    for name in sys.argv[1:] or PEERS:
        print(name, python(name))


if __name__ == "__main__":
    main()
