"""Monitor an autoencoder in a loop of one's own: points on a curved surface of 4 dimensions in 32 coordinates."""

import torch
from torch import nn

import vae_geometry as vg

torch.manual_seed(0)
flat = torch.rand(2500, 4)
points = torch.cat([torch.sin(3 * flat @ torch.randn(4, 16)), torch.cos(3 * flat @ torch.randn(4, 16))], dim=1)
train, test = points[:2000], points[2000:]

model = nn.Sequential()
model.encoder = nn.Sequential(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 6))
model.decoder = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

monitor = vg.GeometryMonitor(
    model, test, layers=["input", "encoder.0", "encoder", "decoder.0", "decoder"], output="monitored", every=5
)
for epoch in range(16):
    for batch in train[torch.randperm(len(train))].split(100):
        loss = ((model(batch) - batch) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    geometry = monitor.step(epoch, loss.item())
    if geometry:
        print(f"epoch {epoch}, loss {loss:.3f}")
        print(geometry.intrinsic_dimension[["layer_name", "intrinsic_dimension", "id_stderr"]].to_string(index=False))

monitor.plot().savefig("training.png")
geometry.plot().savefig("last-epoch.png")
