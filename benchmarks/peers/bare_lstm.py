"""The bare loop that recurrent language models are compared with: two layers of 256, batches of 64 windows of 64 tokens."""

import time

import torch
from torch import nn

SYMBOLS, WIDTH, LAYERS = 69, 256, 2  # the characters of Shakespeare's plays and four specials
BATCH, WINDOW = 64, 64
CLIP = 1.0


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.layers = nn.LSTM(WIDTH, WIDTH, LAYERS, batch_first=True)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, tokens):
        return self.head(self.layers(self.embedding(tokens))[0])


def text(length=1_000_000):
    """(length,) tokens drawn at random: what they say does not change how long a step takes."""
    return torch.randint(4, SYMBOLS, (length,), generator=torch.Generator().manual_seed(0))


def steps(tokens, *, bfloat16=False):
    """An endless loop that yields after each step: windows, forward, backward, clipping, fused Adam."""
    torch.manual_seed(0)
    model = LanguageModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    places = torch.arange(WINDOW + 1)
    while True:
        starts = torch.randint(len(tokens) - WINDOW, (BATCH, 1))
        rows = tokens[starts + places]
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = model(rows[:, :-1])
        loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        yield


def tokens_per_s(loop, count):
    """Of the next `count` steps of a loop."""
    begun = time.perf_counter()
    for _ in range(count):
        next(loop)
    return count * BATCH * WINDOW / (time.perf_counter() - begun)
