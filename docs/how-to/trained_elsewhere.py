"""Advice on K for VAEs that were trained without the workflow: here small ones, of plain torch, on the digits."""

import subprocess

import torch
from sklearn.datasets import load_digits
from torch import nn

import vae_geometry as vg

images = torch.tensor(load_digits().data, dtype=torch.float32) / 16
train, test = images[:1400], images[1400:]


class VAE(nn.Module):
    def __init__(self, bottleneck):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(48, bottleneck), nn.Linear(48, bottleneck)
        self.z = nn.Identity()  # so that the sampled z is a layer that can be recorded
        self.decoder = nn.Sequential(nn.Linear(bottleneck, 48), nn.ReLU())
        self.pixels = nn.Sequential(nn.Linear(48, 64), nn.Sigmoid())

    def forward(self, inputs):
        hidden = self.encoder(inputs)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = self.z(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        return self.pixels(self.decoder(z)), mean, log_variance


ROLES = {"input": "input", "encoder.0": "encoder", "z": "bottleneck", "decoder.0": "decoder", "pixels": "output"}
SIZES, EPOCHS = (2, 4, 8, 16), (0, 1, 5, 10)
for bottleneck in SIZES:
    torch.manual_seed(0)
    model = VAE(bottleneck)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(max(EPOCHS) + 1):
        if epoch in EPOCHS:
            activations = vg.record_activations(model, test, layers=list(ROLES))
            run = {"dataset": "digits", "bottleneck": bottleneck, "seed": 0, "epoch": epoch}
            folder = vg.save_activations("results", activations, ROLES, **run)
            subprocess.run(["vae-geometry", "measure-geometry", folder, "--output", folder.parent], check=True)
        for batch in train[torch.randperm(len(train))].split(100):
            decoded, mean, log_variance = model(batch)
            reconstruction = nn.functional.binary_cross_entropy(decoded, batch, reduction="sum")
            loss = reconstruction - 0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

sweep = ["--dataset", "digits", "--noise", "fresh", "--seed", "0", "--bottleneck", *map(str, SIZES)]
sweep += ["--epoch", *map(str, EPOCHS)]
for figure in ("figure1", "ii_matrix"):
    subprocess.run(["vae-geometry", "plot", figure, *sweep, "--output", figure], check=True)
subprocess.run(["vae-geometry", "check-claims", *sweep, "--output", "claims"], check=True)
