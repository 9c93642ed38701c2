"""The geometry of a module's layers in the course of a training: measured, kept in tables and watched."""

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from filelock import FileLock
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vae_geometry import VaeGeometryError, tables
from vae_geometry.columns import table_of_rows
from vae_geometry.files import require_written
from vae_geometry.geometry.neighbours import frugal_memory_mb
from vae_geometry.measurement import Geometry, layers_of, measure_sound, require_count, require_device, require_scales
from vae_geometry.recording import Reduce, n_inputs, record, resolve_layers
from vae_geometry.symptoms import symptoms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOCK = ".monitor.lock"  # in the output folder


class Writer(Protocol):
    """What takes numbers to watch: a SummaryWriter of TensorBoard, or anything with its ``add_scalar``."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


class GeometryMonitor:
    """Measures the layers of a module at some epochs of a training, and leaves the training as it is.

    Tables of all epochs are in the folder ``output``: ``intrinsic_dimension.parquet`` and
    ``information_imbalance.parquet``, with ``scales`` also ``id_scaling.parquet``. A monitor of the same layers and as
    many points continues them; an epoch that is measured again replaces its rows.

    Parameters
    ----------
    model, inputs, layers, batch_size, reduce
        See ``record_activations``. The inputs are run again at every measurement; a few thousand are enough.
    output : str or Path
        Folder of the tables.
    every : int
        Measure at the epochs that are multiples of it.
    scales, threads, device
        See ``measure``.
    memory_mb : int, optional
        See ``measure``; by default that of one layer's distances (26 MB for 2,000 points), which are computed twice.
    writer : optional
        Gets, at each measured epoch, ``intrinsic_dimension/LAYER`` and ``information_imbalance/LAYER_to_FIRST`` through
        its ``add_scalar``; nulls are left out.

    Raises
    ------
    VaeGeometryError
        As ``record_activations``; if the tables in ``output`` are of other layers or points, or not ours.

    Warns
    -----
    UserWarning
        Once each, if a layer holds NaN or infinity; if its ID collapses; if there are fewer than 2^ID points; if the II
        from the last layer to the first rises over five measurements while the loss falls.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor | DataLoader,
        layers: Sequence[str] | None = None,
        output: str | Path = "geometry",
        every: int = 1,
        *,
        batch_size: int = 256,
        reduce: Reduce | None = None,
        scales: int | None = None,
        threads: int = 2,
        memory_mb: int | None = None,
        device: str = "cpu",
        writer: Writer | None = None,
    ) -> None:
        for name, count in {"every": every, "threads": threads, "batch_size": batch_size}.items():
            require_count(name, count)
        require_scales(scales)
        require_device(device)
        if writer is not None and not callable(getattr(writer, "add_scalar", None)):
            raise VaeGeometryError(
                f"writer: a {type(writer).__name__} has no add_scalar; pass a SummaryWriter or the like"
            )
        self.layers = resolve_layers(model, layers)
        n_inputs(inputs)
        self.output = Path(output)
        if self.output.exists() and not self.output.is_dir():
            raise VaeGeometryError(f"{output}: is not a folder; name another output")
        self._model, self._inputs, self._every, self._writer = model, inputs, every, writer
        self._recording = (self.layers, batch_size, reduce)
        self._scales, self._threads, self._memory_mb, self._device = scales, threads, memory_mb, device
        self._kinds = ("intrinsic_dimension", *["id_scaling"] * bool(scales), "information_imbalance")
        self._checksum: int | None = None
        self._losses: dict[int, float] = {}
        self._said: set[str] = set()
        for kind in self._kinds:
            self._read(kind)

    def step(self, epoch: int, loss: float | None = None) -> Geometry | None:
        """Measure, if the epoch is one of those to measure.

        Parameters
        ----------
        epoch : int
            Epochs trained, from 0.
        loss : float, optional
            Of this epoch, for the warning of memorised noise.

        Returns
        -------
        Geometry or None
            None at the other epochs. A layer that holds NaN or infinity is null in it, with the reason.

        Raises
        ------
        VaeGeometryError
            As ``record_activations``; if the epoch is not a whole number; if the inputs are others than before; if the
            tables cannot be written.
        """
        require_count("epoch", epoch, least=0)
        if loss is not None and not isinstance(loss, Real | Tensor):
            raise VaeGeometryError(f"loss: {loss!r} is not a number; pass loss.item()")
        if epoch % self._every:
            return None
        geometry = self._measure(epoch)
        course = self._append(geometry, epoch)
        if loss is not None:
            self._losses[epoch] = float(loss)
        if self._writer is not None:
            for name, value in scalars(geometry).items():
                self._writer.add_scalar(name, value, epoch)
        ids, imbalances = (course[kind].to_pylist() for kind in ("intrinsic_dimension", "information_imbalance"))
        for symptom, sentence in symptoms(ids, imbalances, self._losses).items():
            if symptom not in self._said:
                self._said.add(symptom)
                warnings.warn(sentence, stacklevel=2)
        return geometry

    def _measure(self, epoch: int) -> Geometry:
        recording = record(self._model, self._inputs, *self._recording)
        if self._checksum not in (None, recording.checksum):
            raise VaeGeometryError(
                "inputs: differ from those of the previous measurement; pass the same points every time, without "
                "random transforms"
            )
        self._checksum = recording.checksum
        layers = layers_of(recording.activations, epoch)
        memory_mb = self._memory_mb or frugal_memory_mb(len(layers[0].points), self._threads)
        return measure_sound(layers, self._scales, self._threads, memory_mb, self._device)

    def plot(self) -> "Figure":
        """Draw the ID of every layer, and the II from every layer to the first, against the epoch.

        Raises
        ------
        VaeGeometryError
            If nothing was measured yet.
        """
        from vae_geometry.figures.measured import against_epoch

        kinds = ("intrinsic_dimension", "information_imbalance")
        found = [table.to_pandas() for kind in kinds if (table := self._read(kind)) is not None]
        if len(found) < len(kinds):
            raise VaeGeometryError(f"{self.output}: holds no measurement yet; call step first")
        return against_epoch(*found)

    def _read(self, kind: str) -> pa.Table | None:
        """The table of all epochs so far; None where there is none."""
        path = self.output / f"{kind}.parquet"
        require_written(path, lambda path: tables.is_table(kind, path), f"a table of kind {kind}")
        if not path.exists():
            return None
        table = tables.read(kind, [path])
        number, name = ("source_layer", "source_name") if kind == "information_imbalance" else ("layer", "layer_name")
        found = dict(sorted(zip(table[number].to_pylist(), table[name].to_pylist(), strict=True)))
        if found != dict(enumerate(self.layers)):
            raise VaeGeometryError(
                f"{path}: holds layers {', '.join(map(str, found.values()))}, not {', '.join(self.layers)}; "
                "choose another output, or move the file away"
            )
        return table

    def _append(self, geometry: Geometry, epoch: int) -> dict[str, pa.Table]:
        """Put the rows of an epoch in their place in the tables, which are written and returned."""
        whole = {}
        self.output.mkdir(parents=True, exist_ok=True)
        with FileLock(self.output / LOCK):
            for kind in self._kinds:
                whole[kind] = new = table_of_rows(geometry.rows[kind], tables.SCHEMAS[kind])
                if (earlier := self._read(kind)) is not None:
                    if (n_points := earlier["n_points"][0].as_py()) != (now := new["n_points"][0].as_py()):
                        raise VaeGeometryError(
                            f"{self.output / kind}.parquet: is of {n_points} points, not of {now}; "
                            "pass the same number, choose another output, or move the file away"
                        )
                    epochs = earlier["epoch"].to_pylist()  # in order; Arrow's own filter takes 30 MB
                    before, after = earlier[: bisect_left(epochs, epoch)], earlier[bisect_right(epochs, epoch) :]
                    whole[kind] = pa.concat_tables([before, new, after])
            for kind, table in whole.items():
                tables.write(kind, table, self.output / f"{kind}.parquet")
        return whole


def scalars(geometry: Geometry) -> dict[str, float]:
    """What to watch of a measurement: the ID of every layer, and the II from the others to the first; no nulls."""
    values = {
        f"intrinsic_dimension/{row['layer_name']}": row.get("intrinsic_dimension")
        for row in geometry.rows["intrinsic_dimension"]
    }
    values |= {
        f"information_imbalance/{row['source_name']}_to_{row['target_name']}": row.get("information_imbalance")
        for row in geometry.rows["information_imbalance"]
        if row["target_layer"] == 0 and row["source_layer"] > 0
    }
    return {name: value for name, value in values.items() if value is not None}
