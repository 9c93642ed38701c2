"""Which measurements of a sweep are read."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_geometry import layout
from vae_geometry.rows import Fields


@dataclass(frozen=True)
class Selection:
    """The measurements of a sweep to read: every combination of these.

    Attributes
    ----------
    results : Path
        The results folder of the sweep.
    datasets, noises : sequences of str
    bottlenecks, seeds, epochs : sequences of int
        ``epochs`` in the order of the config, the last one last.
    """

    results: Path
    datasets: Sequence[str]
    noises: Sequence[str]
    bottlenecks: Sequence[int]
    seeds: Sequence[int]
    epochs: Sequence[int]

    def files(self, kind: str) -> dict[Path, Fields]:
        """The results of one kind, a key of ``layout.RESULTS``, in the order of the selection.

        Returns
        -------
        dict
            Path -> the fields of its template: the data set, the kind of noise, K, seed and epoch, as far as the path
            names them.
        """
        values: dict[str, Sequence[str | int]] = {
            "dataset": self.datasets,
            "noise": self.noises,
            "bottleneck": self.bottlenecks,
            "seed": self.seeds,
            "epoch": [max(self.epochs)] if kind == "cross_bottleneck" else self.epochs,
        }
        names = [name for name in values if f"{{{name}}}" in layout.RESULTS[kind]]
        chosen = itertools.product(*(values[name] for name in names))
        fields = [dict(zip(names, of_file, strict=True)) for of_file in chosen]
        return {layout.locate(self.results, kind, **of_file): of_file for of_file in fields}
