import torch
from torch import nn

from sonde.models.count import flops, parameters


def test_shared_parameters_count_once_and_work_counts_twice():
    layer = nn.Linear(6, 6, bias=False)
    model = nn.Sequential(layer, layer)
    assert parameters(model) == 36
    assert flops(model, (torch.zeros(1, 6),)) == 2 * 2 * 36  # a multiplication and an addition per weight and use


def test_a_convolution_costs_what_the_textbook_says_and_nothing_is_changed():
    model = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(8)).train()
    assert flops(model, (torch.zeros(1, 3, 32, 32),)) == 2 * 16 * 16 * 8 * 3 * 25
    assert model.training
    assert not model.get_buffer("1.running_mean").any()


def test_counts_on_the_meta_device():
    with torch.device("meta"):
        model = nn.Linear(10, 3)
    assert flops(model, (torch.zeros(1, 10),)) == 60
