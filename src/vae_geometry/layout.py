"""Where everything lies under results/ and resources/: every path once, for the workflow and for the package.

A path is a template: its fields in braces are Snakemake's wildcards, and ``locate`` fills them in. Only the standard
library is imported, as the workflow reads this module too.
"""

from pathlib import Path

RUN = "{dataset}/{noise}/k{bottleneck}/seed{seed}"
CHECKPOINT = f"{RUN}/epoch{{epoch}}"
ALL_BOTTLENECKS = "{dataset}/{noise}/seed{seed}/epoch{epoch}"

# in the folder of a run
WEIGHTS_IN_RUN = "checkpoints/epoch{epoch}.safetensors"
TRAINING_IN_RUN = "training.parquet"
TIMING_IN_RUN = "timing.parquet"
UNFINISHED_IN_RUN = "unfinished"
LOCK_IN_RUN = ".training.lock"

# in the folder of a dump
MANIFEST = "manifest.parquet"
MEAN, LOG_VARIANCE, LOGITS = "mean.npy", "log_variance.npy", "logits.npy"
SAMPLES = "samples.npy"

# under results/, one of each for every checkpoint, run, data set or sweep
RESULTS = {
    "weights": f"{RUN}/{WEIGHTS_IN_RUN}",
    "training": f"{RUN}/{TRAINING_IN_RUN}",
    "timing": f"{RUN}/{TIMING_IN_RUN}",
    "memory": f"{RUN}/memory.parquet",
    "activations": f"{CHECKPOINT}/activations",
    "manifest": f"{CHECKPOINT}/activations/{MANIFEST}",
    "reconstructions": f"{CHECKPOINT}/reconstructions.npz",
    "intrinsic_dimension": f"{CHECKPOINT}/intrinsic_dimension.parquet",
    "id_scaling": f"{CHECKPOINT}/id_scaling.parquet",
    "information_imbalance": f"{CHECKPOINT}/information_imbalance.parquet",
    "latents": f"{CHECKPOINT}/latents.parquet",
    "fidelity": f"{CHECKPOINT}/fidelity.parquet",
    "verification": f"{CHECKPOINT}/verification.parquet",
    "cross_bottleneck": f"{ALL_BOTTLENECKS}/cross_bottleneck.parquet",
    "claims": "{dataset}/claims.parquet",
    "page": "{dataset}/index.html",
    "config": "{dataset}/config.yaml",
    "figure": "figures/{dataset}/{noise}/{figure}",
    "figure_of_all_noises": "figures/{dataset}/{figure}",
    "figure_of_all_datasets": "figures/{figure}",
    "tables": "tables",
}
RESOURCES = {
    "train": "resources/datasets/{dataset}/train.npz",
    "test": "resources/datasets/{dataset}/test.npz",
    "checksum": "resources/datasets/{dataset}/checksum.json",  # of a user's own files
    "features": "resources/features/{dataset}/{extractor}.npz",
    "downloads": "resources/downloads",
    "published": "resources/published",
    "gaussians": "resources/gaussian_dimension.csv",
}

# kinds of tables that a sweep joins; id_scaling too, where it is measured
JOINED = (
    *("intrinsic_dimension", "information_imbalance", "latents", "cross_bottleneck"),
    *("fidelity", "training", "memory"),
)
OF_CLAIMS = tuple(kind for kind in JOINED if kind != "memory")


def result(name: str) -> str:
    """Template of a path under ``results/``, relative to the project: a key of ``RESULTS``."""
    return f"results/{RESULTS[name]}"


def locate(results: Path, name: str, **fields: str | int) -> Path:
    """Path of a result of the sweep in the folder ``results``, with all fields of its template filled in."""
    return results / RESULTS[name].format(**fields)


def layer_file(layer: int) -> str:
    """Name of the array of a layer in the folder of a dump."""
    return f"layer{layer:02d}.npy"
