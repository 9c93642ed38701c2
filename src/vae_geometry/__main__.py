"""``python -m vae_geometry``, and the command ``vae-geometry``: Ctrl-C ends in a sentence also while modules load."""

import sys


def main() -> int:
    """Run the command line; see ``cli.main``."""
    try:
        from vae_geometry import cli

        return cli.main()
    except KeyboardInterrupt:
        print("vae-geometry: interrupted; start again", file=sys.stderr)
        return 130  # 128 + SIGINT


if __name__ == "__main__":
    sys.exit(main())
