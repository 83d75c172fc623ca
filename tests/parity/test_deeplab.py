"""Networks that answer for every pixel against torchvision's; `make parity` runs this where torchvision is."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build

pytestmark = pytest.mark.parity

parity = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "parity.py"))
CLASSES, SIDE = 7, 65


def both(name: str, segmentation: Any) -> tuple[nn.Module, nn.Module]:
    """Ours and theirs with the same drawn weights, in float64."""
    make = getattr(segmentation, name.replace("-", "_"))
    theirs = make(weights=None, weights_backbone=None, num_classes=CLASSES, aux_loss=None).double()
    ours = build(name, InputSpec(kind="image", shape=(3, SIDE, SIDE)), CLASSES).double()
    parity["randomise"](theirs, torch.Generator().manual_seed(0), gain=1.0)
    ours.load_state_dict(theirs.state_dict(), strict=True)  # so the names and shapes are the same, all of them
    return ours, theirs


def logits(model: nn.Module, input: Tensor) -> Tensor:
    answer = model(input)
    return answer if isinstance(answer, Tensor) else answer["out"]


@pytest.mark.parametrize("name", ["fcn-resnet50", "deeplabv3-resnet50", "fcn-resnet101", "deeplabv3-resnet101"])
@pytest.mark.filterwarnings("ignore")  # what torchvision warns of on import is not ours to fix
def test_parameters_logits_gradients_and_statistics_are_torchvisions(name: str) -> None:
    try:
        segmentation = parity["import_library"]("torchvision").models.segmentation
    except ImportError as error:
        pytest.skip(str(error))
    models = both(name, segmentation)
    generator = torch.Generator().manual_seed(1)
    seen, unseen = torch.randn(2, 2, 3, SIDE, SIDE, generator=generator, dtype=torch.float64).unbind()
    target = torch.randint(CLASSES, (2, SIDE, SIDE), generator=generator)
    trained = []
    for model in models:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # statistics of this one batch, by which the logits of the next keep their size
        torch.manual_seed(0)  # dropout falls alike
        trained.append(logits(model.train(), seen))
        F.cross_entropy(trained[-1], target).backward()
    with torch.no_grad():
        judged = [logits(model.eval(), unseen) for model in models]
    low, high = parity["SPREAD"]
    assert low <= float(judged[1].std()) <= high
    buffers = [dict(model.named_buffers()) for model in models]
    largest = max(
        parity["relative"](*judged),
        parity["relative"](*trained),
        parity["difference_of_gradients"](*models),
        *(parity["relative"](buffers[0][n], value) for n, value in buffers[1].items() if value.ndim),
    )
    assert largest <= parity["LARGEST_DIFFERENCE"]
