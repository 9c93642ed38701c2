"""The smallest sweep that draws every figure but `published`."""

from vae_geometry.figures import registry

CONFIG = {
    "datasets": {"digits": {"source": "digits"}},
    "bottlenecks": [2, 3],
    "seeds": [0],
    "noise": ["repeated", "fresh"],
    "model": {"channels": [2, 2, 4, 4]},
    "training": {"epochs": 1, "checkpoints": [0, 1], "batch_size": 64, "threads": 1, "images": 300},
    "geometry": {"points": 300, "scales": 8, "threads": 1},
    "fidelity": {"points": 40, "extractor": "efficientnet_lite0"},
    "device": "cpu",
}
FIGURES = [name for name, figure in registry.FIGURES.items() if not figure.all_noises and figure.needs != "published"]
