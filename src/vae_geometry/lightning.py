"""The monitor as a callback of Lightning. Needs the extra: pip install 'vae-geometry[lightning]'."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from vae_geometry import VaeGeometryError
from vae_geometry.monitor import GeometryMonitor, scalars


class GeometryCallback(Callback):
    """Measures the layers of the LightningModule after training epochs, as ``GeometryMonitor`` does.

    The numbers that a ``writer`` of the monitor gets are logged by ``log_dict``, to whatever loggers the trainer has.
    Of several processes the first one measures.

    Parameters
    ----------
    inputs, layers, output, every, **options
        See ``GeometryMonitor``; layers are named as ``LightningModule.named_modules()`` does.
    loss : str, optional
        Name of a logged metric, for the warning of memorised noise.

    Raises
    ------
    VaeGeometryError
        As ``GeometryMonitor``, when training begins; after the first epoch, if ``loss`` names no logged metric.
    """

    monitor: GeometryMonitor

    def __init__(
        self,
        inputs: Tensor | DataLoader,
        layers: Sequence[str] | None = None,
        output: str | Path = "geometry",
        every: int = 1,
        loss: str | None = None,
        **options: Any,
    ) -> None:
        self._inputs, self._layers, self._output, self._every = inputs, layers, output, every
        self._loss, self._options = loss, options

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check what is to be measured, before anything is trained."""
        if trainer.is_global_zero:
            self.monitor = GeometryMonitor(
                pl_module, self._inputs, self._layers, self._output, self._every, **self._options
            )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure, and log what was measured."""
        if not trainer.is_global_zero:
            return
        metrics = trainer.callback_metrics
        if self._loss is not None and self._loss not in metrics:
            raise VaeGeometryError(f"loss: no metric {self._loss} is logged; name one of {', '.join(metrics)}")
        loss = float(metrics[self._loss]) if self._loss is not None else None
        geometry = self.monitor.step(trainer.current_epoch, loss)
        if geometry is not None:
            pl_module.log_dict(scalars(geometry), rank_zero_only=True)
