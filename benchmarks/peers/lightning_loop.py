"""Lightning's loop on resident tensors: a DataLoader whose dataset returns whole batches, with a logger."""

import json
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings("ignore")
import lightning
import torch
from bare_loop import bare_loop, data, network
from torch import nn


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = network()

    def training_step(self, batch, number):
        x, y = batch
        loss = nn.functional.cross_entropy(self.model(x), y)
        self.log("loss", loss, prog_bar=False)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)


class Batches(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.order = torch.randperm(len(x))

    def __len__(self):
        return len(self.x) // 64

    def __getitem__(self, number):
        rows = self.order[number * 64 : number * 64 + 64]
        return self.x[rows], self.y[rows]


def seconds(x, y, steps):
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_steps=steps,
            max_epochs=-1,
            accelerator="cpu",
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            logger=lightning.pytorch.loggers.CSVLogger(folder),
            log_every_n_steps=10,
            enable_checkpointing=False,
        )
        loader = torch.utils.data.DataLoader(Batches(x, y), batch_size=None, shuffle=True)
        begun = time.perf_counter()
        trainer.fit(Module(), loader)
        return time.perf_counter() - begun


def main(steps, rounds):
    torch.set_num_threads(1)
    x, y = data()
    rows = {"bare": [], "bare that records": [], "lightning": []}
    for _ in range(rounds):
        rows["bare"].append(bare_loop(x, y, steps, record=False))
        rows["bare that records"].append(bare_loop(x, y, steps, record=True))
        rows["lightning"].append((seconds(x, y, steps + steps // 4) - seconds(x, y, steps // 4)) / steps * 1e6)
    print(json.dumps({name: statistics.median(values) for name, values in rows.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
