"""Made-up sweeps of networks of any layers, shared by the tests of figures."""

import itertools

import pandas as pd
from published_sweep import LAYER, write_sweep

from vae_geometry.selection import Selection

BOTTLENECKS, EPOCHS = [2, 8, 64], [0, 1, 5]


def layers_of(n_layers):
    """Layers of a network with as many of them in the encoder as in the decoder."""
    inner = [[(f"{role} {number}", role) for number in range((n_layers - 3) // 2)] for role in ("encoder", "decoder")]
    named = [("input", "input"), *inner[0], ("bottleneck", "bottleneck"), *inner[1], ("output", "output")]
    return [(number, *layer) for number, layer in enumerate(named)]


def make_sweep(results, layers, seeds=(0,), dataset="moons"):
    """Selection of a sweep of a network with these layers; the ID falls to the bottleneck, II grows with distance."""
    runs = [{"bottleneck": k, "epoch": epoch} for k, epoch in itertools.product(BOTTLENECKS, EPOCHS)]
    dimensions = [
        {**run, **dict(zip(LAYER, layer, strict=True))}
        | {"intrinsic_dimension": 5 + 0.1 * run["bottleneck"] + abs(layer[0] - len(layers) // 2)}
        for run, layer in itertools.product(runs, layers)
    ]
    ends = [f"{end}_{name}" for end in ("source", "target") for name in ("layer", "name", "role")]
    imbalances = [
        {**run, **dict(zip(ends, (*a, *b), strict=True))}
        | {"information_imbalance": (0.01 + 0.03 * abs(a[0] - b[0]) + 0.005 * (a[0] < b[0])) / run["bottleneck"] ** 0.3}
        for run, a, b in itertools.product(runs, layers, layers)
    ]
    selection = Selection(results, [dataset], ["fresh", "repeated"], BOTTLENECKS, seeds, EPOCHS)
    write_sweep(selection, pd.DataFrame(dimensions), pd.DataFrame(imbalances))
    return selection
