"""Memory and time that jobs request, from the sizes of their network."""

from vae_geometry.networks.sizes import sizes

UNKNOWN = (50_000, 10_000)  # training and test inputs of a data set that does not tell them before it is read


def network(wildcards):
    """Sizes of the network of a job; of one of the widest bottleneck where the job has them all."""
    fields = {"noise": NOISES[0], "bottleneck": max(config["bottlenecks"]), "epoch": 0} | dict(wildcards.items())
    return sizes(Path(layout.result("weights").format(**fields | {"epoch": 0})))


def points(wildcards):
    """Points that are measured in a job."""
    return SETTINGS[wildcards.dataset]["geometry"]["points"]


def training_threads(wildcards):
    return SETTINGS[wildcards.dataset]["training"]["threads"]


def resume_minutes(wildcards):
    return str(SETTINGS[wildcards.dataset]["training"]["resume_minutes"])  # a number is rounded


def growing(amount):
    """Memory or time that a job gets, more of it each time it is started again."""
    return lambda wildcards, attempt: int(amount * attempt)


def geometry_memory_mb(wildcards, attempt):
    """1.6 GB were measured for 5,000 points of the full width (docs/benchmarks.md), 2.3 are requested."""
    return int((1000 + 4 * 4 * points(wildcards) * network(wildcards)["widest"] / 1e6) * attempt)


def verification_memory_mb(wildcards, attempt):
    """3.6 GB were measured for 5,000 points of the full width (docs/benchmarks.md), 3.9 are requested."""
    n_points, widest = points(wildcards), network(wildcards)["widest"]
    return int((1000 + 16 * n_points * widest / 1e6 + 66 * n_points**2 / 1e6) * attempt)


def geometry_minutes(n_networks=1):
    """Ten times what was measured: 12 s for 5,000 points of one network at full width, which the sizes scale."""

    def minutes(wildcards, attempt):
        total = network(wildcards)["all"]
        seconds = (
            12 * (points(wildcards) / 5000) ** 2 * (total / 65_700) * n_networks**1.6
        )  # 77 layers at once took 266 s
        return int((10 + 10 * seconds * 2 / THREADS / 60) * attempt)

    return minutes


def training_minutes(wildcards, attempt):
    """Three times what was measured on two CPU cores; on a GPU as if it were 10 times faster (an H200 is 65 times).

    600 images/s at full width, 3,300 to 4,000 at quarter width (docs/benchmarks.md).
    """
    training = SETTINGS[wildcards.dataset]["training"]
    n_inputs = training["images"] or N_INPUTS.get(wildcards.dataset, UNKNOWN)[0]
    seconds = 0.0002 + 1.68e-11 * network(wildcards)["flops"]
    speed = training["threads"] / 2 if config["device"] == "cpu" else 10
    return int((10 + 3 * training["epochs"] * n_inputs * seconds / 60 / speed) * attempt)
