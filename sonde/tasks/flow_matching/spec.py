"""The record of task flow-matching."""

from dataclasses import replace

from sonde.tasks.diffusion.spec import DIFFUSION
from sonde.tasks.flow_matching.config import FlowMatchingConfig

FLOW_MATCHING = replace(
    DIFFUSION,
    name="flow-matching",
    summary="new inputs like those of the data, by a flow from noise to data (rectified flow)",
    task="sonde.tasks.flow_matching.task:FlowMatching",
    config=FlowMatchingConfig,
)
"""What it needs and shows is what diffusion does."""
