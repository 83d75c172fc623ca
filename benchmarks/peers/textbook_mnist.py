"""The introductory MNIST script as every tutorial writes it: torchvision dataset, per-image transforms, DataLoader.

Usage: python textbook_mnist.py ROOT (a folder whose MNIST/raw holds the four decompressed IDX files); prints one JSON line.
"""

import json
import os
import sys
import time

begun = time.perf_counter()
import torch  # noqa: E402

if tools := os.environ.get("SONDE_PARITY_TOOLS"):
    sys.path.insert(0, tools)
    import torchvision_on_cpu  # noqa: F401 - declares the operators a CPU build of torch lacks
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from torchvision import datasets, transforms  # noqa: E402


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 256),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(128, 10),
        )

    def forward(self, x):
        return self.layers(x)


def main(root, seed=0, epochs=5):
    torch.manual_seed(seed)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST(root, train=True, transform=transform)
    test = datasets.MNIST(root, train=False, transform=transform)
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=1000)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        running = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in test_loader:
                correct += (model(images).argmax(1) == labels).sum().item()
    print(json.dumps({"accuracy": correct / len(test), "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1])
