"""The columns of every kind of table: one pyarrow schema a kind, each column with its description."""

import pyarrow as pa

from vae_geometry.latents import ACTIVE_VARIANCE


def _column(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


def _ends(name: str, kind: pa.DataType, description: str) -> list[pa.Field]:
    return [_column(f"{end}_{name}", kind, f"{description} {where}") for end, where in ENDS.items()]


ENDS = {"source": "that the II goes from", "target": "that the II goes to"}
RUN = [
    _column("dataset", pa.string(), "entry of `datasets` in the config"),
    _column("noise", pa.string(), "kind of latent noise"),
    _column("bottleneck", pa.int32(), "size K of the latent space"),
    _column("seed", pa.int32(), "of weights, batches and latent noise"),
    _column("epoch", pa.int32(), "passes over the training set; 0 is the untrained network"),
]
POINTS = _column("n_points", pa.int32(), "number N of points")
REASON = _column("reason", pa.string(), "why a value is null")
LAYER = [
    _column("layer", pa.int32(), "number, from the input to the output"),
    _column("layer_name", pa.string(), "name in the network"),
    _column("role", pa.string(), "input, encoder, bottleneck, decoder or output"),
    _column("extrinsic_dimension", pa.int32(), "number of coordinates"),
]
DIMENSION = [
    _column("intrinsic_dimension", pa.float64(), "ID"),
    _column("id_stderr", pa.float64(), "standard error of the ID"),
]
PAIR = [
    *_ends("layer", pa.int32(), "layer"),
    *_ends("name", pa.string(), "name of the layer"),
    *_ends("role", pa.string(), "role of the layer"),
]
IMBALANCE = [
    _column("information_imbalance", pa.float64(), "II"),
    _column("ii_stderr", pa.float64(), "standard error of the II"),
    _column("n_ties", pa.int32(), "points with another point exactly as near in the target as their nearest neighbour"),
    POINTS,
    REASON,
]
LATENT_PAIRS = {
    "ii_to_input": "from the latent to the input",
    "ii_from_input": "from the input to the latent",
    "ii_to_output": "from the latent to the output, decoded from what `model.latent` says",
}
PARTS = {"train": "training", "validation": "validation"}
LOSSES = {"reconstruction": "reconstruction loss", "kl": "KL divergence", "elbo": "ELBO as a loss"}
DECODED = {
    "loss_trained_eps": "reconstruction loss per image, in nats, with the eps of the last epoch trained: of a training "
    "image its own, of a validation image that of a training image",
    "loss_new_eps": "the same with an eps never trained with",
    "loss_mean": "the same decoded from the mean, without eps",
    "memory": "loss_new_eps - loss_trained_eps, in nats: how much of its eps the network has memorised",
}
SCHEMAS = {
    "intrinsic_dimension": pa.schema(
        [
            *RUN,
            *LAYER,
            *DIMENSION,
            POINTS,
            _column("n_zero_distances", pa.int32(), "points at distance zero from their nearest neighbour, left out"),
            REASON,
        ]
    ),
    "id_scaling": pa.schema(
        [
            *RUN,
            *LAYER,
            _column(
                "neighbours", pa.int32(), "n: the distances to the n-th and to the (n/2)-th neighbour are compared"
            ),
            _column("scale", pa.float64(), "mean of these distances, in the units of the layer"),
            *DIMENSION,
            POINTS,
            REASON,
        ]
    ),
    "information_imbalance": pa.schema([*RUN, *PAIR, *IMBALANCE]),
    "latents": pa.schema(
        [
            *RUN,
            _column("latent", pa.string(), "sample: z; mean: its mean; active_sample, active_mean: their active units"),
            _column("n_units", pa.int32(), "units of this latent"),
            *DIMENSION,
            *[
                column
                for name, pair in LATENT_PAIRS.items()
                for column in (
                    _column(name, pa.float64(), f"II {pair}"),
                    _column(f"{name}_stderr", pa.float64(), "standard error of this II"),
                )
            ],
            POINTS,
            REASON,
        ]
    ),
    "cross_bottleneck": pa.schema(
        [
            *[field for field in RUN if field.name != "bottleneck"],
            *_ends("bottleneck", pa.int32(), "K of the network"),
            *PAIR,
            *IMBALANCE,
        ]
    ),
    "fidelity": pa.schema(
        [
            *RUN,
            _column("elbo", pa.float64(), "ELBO as a loss, per test input, in nats"),
            _column("reconstruction", pa.float64(), "reconstruction loss per test input, in nats"),
            _column("kl", pa.float64(), "KL divergence per test input, in nats"),
            _column("kl_per_unit", pa.list_(pa.float64()), "the same of each latent unit"),
            _column(
                "active_units",
                pa.int32(),
                f"units whose mean has a variance above {ACTIVE_VARIANCE:g} over the images (Burda et al. 2016)",
            ),
            _column(
                "aggregate_divergence",
                pa.float64(),
                "of z over all inputs from the prior, in nats: KL divergence from N(0, I) of the Gaussian with its "
                "mean and covariance; a lower bound, as it sees the first two moments only",
            ),
            _column("frechet_distance", pa.float64(), "between test images and reconstructions, of their features"),
            _column("samples_frechet_distance", pa.float64(), "between test images and as many samples from the prior"),
            _column("extractor", pa.string(), "network of the features"),
            POINTS,
            _column("warning", pa.string(), "what to know about the Frechet distance"),
            REASON,
        ]
    ),
    "training": pa.schema(
        [
            *RUN,
            *[
                _column(f"{part}_{term}", pa.float64(), f"{name} per {PARTS[part]} input, in nats")
                for part in PARTS
                for term, name in LOSSES.items()
            ],
        ]
    ),
    "memory": pa.schema(
        [
            *RUN,
            _column("part", pa.string(), "train or validation: of which images"),
            *[_column(name, pa.float64(), description) for name, description in DECODED.items()],
            *[_column(f"{name}_stderr", pa.float64(), f"standard error of {name} over the images") for name in DECODED],
            _column("n_images", pa.int32(), "number of images, the first of this part"),
            REASON,
        ]
    ),
    "timing": pa.schema(
        [
            *RUN,
            _column("seconds", pa.float64(), "of the epoch"),
            _column("images_per_second", pa.float64(), "in training, validation apart"),
        ]
    ),
    "claims": pa.schema(
        [
            *RUN[:2],
            _column("seed", pa.int32(), "null: over seeds"),
            _column("claim", pa.string(), "name"),
            _column("section", pa.string(), "of the paper"),
            _column("statement", pa.string(), "what is claimed"),
            _column(
                "verdict",
                pa.string(),
                "holds, contradicted, undecided, too short to test, not measurable, not applicable",
            ),
            _column("numbers", pa.string(), "what decides it"),
            _column("text", pa.string(), "the same without the values by K"),
            _column("bottlenecks", pa.list_(pa.int32()), "K that there are values of"),
            _column("values", pa.list_(pa.string()), "by K, in words"),
            REASON,
        ]
    ),
    "verification": pa.schema(
        [
            *RUN,
            _column("quantity", pa.string(), "intrinsic_dimension, id_scaling or information_imbalance"),
            _column("source_layer", pa.int32(), "layer that the II goes from; of an ID the layer"),
            _column("target_layer", pa.int32(), "layer that the II goes to; of an ID the layer"),
            _column("neighbours", pa.int32(), "rank of the farthest one that counts: 2 for the ID, 1 for the II"),
            _column("value", pa.float64(), "as measured by this package"),
            _column("dadapy_value", pa.float64(), "as measured by DADApy"),
            _column("difference", pa.float64(), "of the two, without its sign; of an ID relative to the value"),
            _column("dadapy_version", pa.string(), "version of DADApy"),
            _column("reason", pa.string(), "why the two are not compared"),
        ]
    ),
    "manifest": pa.schema(
        [
            *RUN,
            *LAYER,
            _column("shape", pa.list_(pa.int32()), "of one point in this layer"),
            POINTS,
            _column("likelihood", pa.string(), "what the output of the decoder means"),
            _column("output_variance", pa.float64(), "of a gaussian likelihood"),
        ]
    ),
}
