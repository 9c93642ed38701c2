"""What a figure is, apart from its picture. Only the standard library is imported, as the workflow reads this too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """What a figure is called, what it reads, and the part of its caption that is the same in every sweep.

    Attributes
    ----------
    name : str
        Of its files, and of the function that draws it.
    title : str
        Stands beside the name in the report's lists.
    module : str
        Of ``vae_geometry.figures``: holds the functions ``<name>`` and ``describe_<name>``.
    tables : tuple of str
        The results that it reads, keys of ``layout.RESULTS``.
    shows, how_to_read : str
        First paragraphs of its caption, in reStructuredText.
    epochs : {"last", "untrained", "all"}
        The checkpoints that it reads.
    needs : {"scales", "published"}, optional
        Drawn only where ``geometry.scales`` is set, or beside the values published for CIFAR-10.
    all_noises : bool
        One figure shows all kinds of noise of a sweep, not one of them.
    all_datasets : bool
        One figure shows all data sets of a sweep, and all kinds of noise.
    gaussians : bool
        It compares an ID with K, and shows the ID of a K-dimensional Gaussian beside it.
    """

    name: str
    title: str
    module: str
    tables: tuple[str, ...]
    shows: str
    how_to_read: str
    epochs: Literal["last", "untrained", "all"] = "last"
    needs: Literal["scales", "published"] | None = None
    all_noises: bool = False
    all_datasets: bool = False
    gaussians: bool = False

    @property
    def result(self) -> str:
        """Where it lies: a key of ``layout.RESULTS``."""
        if self.all_datasets:
            return "figure_of_all_datasets"
        return "figure_of_all_noises" if self.all_noises else "figure"

    def at(self, epochs: Sequence[int]) -> list[int]:
        """The checkpoints to read, of those of a sweep."""
        chosen = {"last": [max(epochs)], "untrained": [0], "all": list(epochs)}
        return chosen[self.epochs]

    def functions(self) -> tuple[Callable, Callable]:
        """The functions that draw and describe it."""
        module = import_module(f"vae_geometry.figures.{self.module}")
        return getattr(module, self.name), getattr(module, f"describe_{self.name}")
