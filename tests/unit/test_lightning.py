"""The callback, in real trainings by Lightning."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from vae_geometry import VaeGeometryError

pytest.importorskip("lightning", reason="Lightning is not installed: pip install lightning")

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger

from vae_geometry.lightning import GeometryCallback

pytestmark = pytest.mark.usefixtures("one_thread")
POINTS = torch.randn(220, 6, generator=torch.Generator().manual_seed(0))


class Autoencoder(LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
        self.decoder = nn.Linear(8, 6)

    def forward(self, inputs):
        return self.decoder(self.encoder(inputs))

    def training_step(self, batch, _):
        loss = ((self(batch) - batch) ** 2).mean()
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


def fit(folder, *callbacks, epochs=3, **further):
    torch.manual_seed(1)
    module = Autoencoder()
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1}
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=list(callbacks), default_root_dir=folder, **quiet, **further
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="lightning")  # few workers
        trainer.fit(module, DataLoader(POINTS, batch_size=40, shuffle=True))
    return module


def callback(folder, **options):
    return GeometryCallback(POINTS, ["input", "encoder.0", "decoder"], folder / "geometry", **options)


def test_the_numbers_reach_the_loggers_and_the_weights_stay(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    watched = fit(tmp_path, callback(tmp_path, every=2, loss="train_loss"), logger=logger)
    table = pd.read_parquet(tmp_path / "geometry/intrinsic_dimension.parquet")
    assert table["epoch"].unique().tolist() == [0, 2]
    logged = pd.read_csv(tmp_path / "metrics.csv").dropna(subset="intrinsic_dimension/decoder")
    ids = table.loc[table["layer_name"] == "decoder", "intrinsic_dimension"]
    np.testing.assert_allclose(logged["intrinsic_dimension/decoder"], ids, rtol=1e-6)
    assert {"information_imbalance/encoder.0_to_input", "information_imbalance/decoder_to_input"} <= set(logged)
    plain = fit(tmp_path, logger=False, enable_checkpointing=False)
    for name, tensor in plain.state_dict().items():
        assert watched.state_dict()[name].numpy().tobytes() == tensor.numpy().tobytes(), name


def test_the_loss_is_the_metric_that_is_named(tmp_path):
    watching = callback(tmp_path, loss="train_loss")
    fit(tmp_path, watching, logger=CSVLogger(tmp_path, name="", version=""))
    logged = pd.read_csv(tmp_path / "metrics.csv")["train_loss"].dropna()
    np.testing.assert_allclose(list(watching.monitor._losses.values()), logged, rtol=1e-6)
    with pytest.raises(VaeGeometryError, match="loss: no metric val_loss is logged; name one of train_loss"):
        fit(tmp_path, callback(tmp_path, loss="val_loss"), logger=False, enable_checkpointing=False)


def test_a_mistake_is_found_before_anything_is_trained(tmp_path):
    with pytest.raises(VaeGeometryError, match=r"layers: name those to record, of encoder, encoder\.0"):
        fit(tmp_path, GeometryCallback(POINTS), logger=False, enable_checkpointing=False)
