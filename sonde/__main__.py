"""`python -m sonde`, also under torchrun."""

import sys

from sonde.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
