"""Intrinsic dimension and information imbalance of the layers of variational autoencoders."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vae-geometry")
except PackageNotFoundError:  # run from the source tree, as the workflow does
    __version__ = "0.1.0"

# What each epoch sees: batches and latent noise of its own, or both of the first epoch again, or only one of the two.
NOISES = ("fresh", "repeated", "repeated_batches", "repeated_eps")


class VaeGeometryError(Exception):
    """A mistake that the user can fix; the message is one sentence: what is wrong, where, what to do.

    ``exit_status`` is that of the command line.
    """

    def __init__(self, message: str, exit_status: int = 1) -> None:
        super().__init__(message)
        self.exit_status = exit_status
