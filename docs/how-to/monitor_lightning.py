"""Monitor a training by Lightning; the numbers go to the trainer's own logger, here a CSV file."""

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader

from vae_geometry.lightning import GeometryCallback

torch.manual_seed(0)
flat = torch.rand(2500, 4)
points = torch.cat([torch.sin(3 * flat @ torch.randn(4, 16)), torch.cos(3 * flat @ torch.randn(4, 16))], dim=1)


class Autoencoder(LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 6))
        self.decoder = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, inputs):
        return self.decoder(self.encoder(inputs))

    def training_step(self, batch):
        loss = ((self(batch) - batch) ** 2).mean()
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=3e-3)


callback = GeometryCallback(
    DataLoader(points[2000:], batch_size=250), layers=["input", "encoder", "decoder"], every=2, loss="train_loss"
)
trainer = Trainer(max_epochs=5, accelerator="cpu", callbacks=[callback], logger=CSVLogger("logs"))
trainer.fit(Autoencoder(), DataLoader(points[:2000], batch_size=100, shuffle=True))
callback.monitor.plot().savefig("training.png")
