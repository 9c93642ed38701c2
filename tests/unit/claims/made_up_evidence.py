"""Made-up evidence where the answer to every claim is known, and tables of a made-up sweep."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from vae_geometry import tables
from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.uncertainty import Sample
from vae_geometry.selection import Selection

SIZES, EPOCHS, DATA = (2, 8, 32, 128), (0, 1, 10, 200), 12.0
LAST = EPOCHS[-1]
SWEEP_SIZES, SWEEP_SEEDS, SWEEP_EPOCHS = (2, 4, 8), (0, 1), (0, 1, 2, 3)


def sample(value, error=0.01, rng=None):
    """A number as three seeds have it: the mean is the value, the standard deviation so much of it."""
    scatter = (rng or np.random.default_rng(0)).permutation([-1.0, 0.0, 1.0])
    return Sample(value * (1 + error * scatter), np.full(3, np.nan))


def roles_of(n_encoder, n_decoder):
    """Roles of the layers, in order, of a network with so many layers in its encoder and its decoder."""
    return ["input", *["encoder"] * n_encoder, "bottleneck", *["decoder"] * n_decoder, "output"]


PAPER = roles_of(4, 4)


def profile(size, epoch, roles):
    """IDs of all layers as the paper has them: the decoder's hump is there at the end, for K = 32 and 128."""
    bottleneck = min(size, DATA)
    raised = bottleneck + 9 if size > DATA and epoch == LAST else bottleneck
    n_encoder, n_decoder = roles.count("encoder"), roles.count("decoder")
    encoder = [25, *[30] * max(n_encoder - 3, 1), 22, 15][-n_encoder:] if n_encoder else []
    decoder = [*[raised] * max(n_decoder - 1, 3), bottleneck][:n_decoder]
    return [DATA, *encoder, bottleneck, *decoder, bottleneck]


def output_to_input(size, epoch):
    if epoch == 0:
        return 1.0
    lowest = {2: 0.4, 8: 0.1, 32: 0.02, 128: 0.06}[size]
    rises = size > DATA and epoch == LAST
    return lowest * {1: 2.0, 10: 0.5 if size > DATA else 1.0, LAST: 1.0 if rises else 0.9}[epoch]


def step(size, in_encoder, forward):
    """II of neighbouring layers: every encoder compresses, the decoders of K = 32 and 128 expand."""
    if in_encoder:
        return 0.1 if forward else 0.2
    return 0.2 if forward and size > DATA else 0.1


def kl(size, epoch):
    """Rises until epoch 8; then it falls for K = 32 and 128, and stays for the others."""
    return 20 + 2 * min(epoch, 8) - (18 * (1 - 8 / max(epoch, 8)) if size > DATA else 0)


def as_in_the_paper(error=0.01, roles=PAPER):
    rng = np.random.default_rng(0)
    bottleneck, output = roles.index("bottleneck"), roles.index("output")
    imbalance = {}
    for size in SIZES:
        for layer in range(output):
            imbalance[size, LAST, layer, layer + 1] = sample(step(size, layer < bottleneck, True), error, rng)
            imbalance[size, LAST, layer + 1, layer] = sample(step(size, layer < bottleneck, False), error, rng)
        for epoch in EPOCHS:
            for layer in {bottleneck, output} - {1}:  # without an encoder the bottleneck's II is that of its step
                imbalance[size, epoch, layer, 0] = sample(output_to_input(size, epoch), error, rng)
    in_training = [(size, epoch) for size in SIZES for epoch in range(1, LAST + 1)]
    return Evidence(
        dataset="made up",
        seeds=(0, 1, 2),
        bottlenecks=SIZES,
        epochs=EPOCHS,
        roles=dict(enumerate(roles)),
        coordinates=1024,
        dimension={
            (size, epoch, layer): sample(value, error, rng)
            for size in SIZES
            for epoch in EPOCHS
            for layer, value in enumerate(profile(size, epoch, roles))
        },
        imbalance=imbalance,
        frechet_distance={(size, epoch): sample(100 / epoch, error, rng) for size in SIZES for epoch in EPOCHS[1:]},
        kl={(size, epoch): sample(kl(size, epoch), error, rng) for size, epoch in in_training},
        elbo={(size, epoch): sample(300 - 20 * np.log(epoch), error / 10, rng) for size, epoch in in_training},
        divergence={(size, epoch): sample(1 + 4 / (1 + epoch), error, rng) for size in SIZES for epoch in EPOCHS},
        from_latent={
            (size, LAST, "mean"): sample({2: 0.4, 8: 0.05, 32: 0.2, 128: 0.4}[size], error, rng) for size in SIZES
        },
        between_bottlenecks={
            (one, other, layer): sample(-0.8 if one < DATA <= other else -0.2, error, rng)
            for one, other in pairwise(SIZES)
            for layer in range(1, output)
        },
        extractor="inception",
    )


def changed(table, error, numbers, roles=PAPER):
    """The evidence of the paper with other numbers in one table: key -> value."""
    evidence = as_in_the_paper(roles=roles)
    rng = np.random.default_rng(1)
    others = {key: sample(value, error, rng) for key, value in numbers.items()}
    return replace(evidence, **{table: {**getattr(evidence, table), **others}})


def selection(results, noises=("fresh",), seeds=SWEEP_SEEDS):
    return Selection(results, ["digits"], list(noises), list(SWEEP_SIZES), list(seeds), list(SWEEP_EPOCHS))


def write_sweep(results, noise="fresh", seeds=SWEEP_SEEDS, lowest=8, roles=PAPER):
    """Tables of a made-up sweep: ID of layer l is 3 + l + seed, II of every pair is lowest for one K."""
    names = [f"{role} {layer}" for layer, role in enumerate(roles)]
    for size in SWEEP_SIZES:
        for seed in seeds:
            run = {"dataset": "digits", "noise": noise, "bottleneck": size, "seed": seed}
            folder = results / f"digits/{noise}/k{size}/seed{seed}"
            losses = [
                {**run, "epoch": epoch, "validation_kl": 10.0 + epoch + seed, "validation_elbo": 90.0 / epoch}
                for epoch in SWEEP_EPOCHS[1:]
            ]
            tables.write("training", losses, folder / "training.parquet")
            for epoch in SWEEP_EPOCHS:
                run["epoch"] = epoch
                dimensions = [
                    {
                        **run,
                        "layer": layer,
                        "layer_name": names[layer],
                        "role": role,
                        "extrinsic_dimension": 1024 - layer,
                        "intrinsic_dimension": 3.0 + layer + seed,
                        "id_stderr": 0.001,
                    }
                    for layer, role in enumerate(roles)
                ]
                imbalances = [
                    {
                        **run,
                        "source_layer": source,
                        "target_layer": target,
                        "information_imbalance": 0.1 * (1 + abs(np.log2(size / lowest))) / epoch if epoch else 1.0,
                        "ii_stderr": 0.001,
                    }
                    for source in range(len(roles))
                    for target in range(len(roles))
                ]
                fidelity = {**run, "frechet_distance": 50.0 / (1 + epoch), "extractor": "efficientnet_lite0"}
                kinds = {"intrinsic_dimension": dimensions, "information_imbalance": imbalances, "fidelity": [fidelity]}
                for kind, rows in kinds.items():
                    tables.write(kind, rows, folder / f"epoch{epoch}/{kind}.parquet")
