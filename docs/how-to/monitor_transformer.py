"""Measure a small transformer with random weights: the mean over its tokens is one point for each sequence."""

import torch
from torch import nn

import vae_geometry as vg

torch.manual_seed(0)
tokens = torch.randint(0, 100, (500, 12))  # 500 sequences of 12 tokens

block = nn.TransformerEncoderLayer(d_model=32, nhead=4, dim_feedforward=64, batch_first=True)
model = nn.Sequential(nn.Embedding(100, 32), nn.TransformerEncoder(block, num_layers=3, enable_nested_tensor=False))

activations = vg.record_activations(
    model,
    tokens,
    layers=["0", "1.layers.0", "1.layers.1", "1.layers.2"],
    reduce=lambda output: output.mean(dim=1),  # (sequences, tokens, 32) -> (sequences, 32)
)
geometry = vg.measure(activations)
print(geometry.intrinsic_dimension[["layer_name", "extrinsic_dimension", "intrinsic_dimension"]].to_string(index=False))
geometry.plot().savefig("transformer.png")
geometry.save("transformer-geometry")
