"""Help for a torchvision that does not load beside a CPU build of PyTorch, before any library looks for it.

transformers imports torchvision where it is installed, so its tests need this too (see benchmarks/parity.py).
"""

import os
import sys

tools = os.environ.get("SONDE_PARITY_TOOLS")
if tools and tools not in sys.path:
    sys.path.append(tools)
    import torchvision_on_cpu  # type: ignore[import-not-found]  # noqa: F401
