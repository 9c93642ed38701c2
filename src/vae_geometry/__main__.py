"""``python -m vae_geometry``."""

import sys

from vae_geometry.cli import main

if __name__ == "__main__":
    sys.exit(main())
