"""CPU time of a process of each stage on the demo's data, beside a bare `import torch` and beside the work alone.

    python benchmarks/startup.py

Makes a small sweep with the demo's images, network and points, then runs each stage on it in processes of their own,
all in turn, and once more in this process, which has imported everything. Prints a table in Markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from machine import processor

from vae_geometry.cli import main as vae_geometry

SIZES, EPOCHS = (2, 4, 8, 16), (0, 1)
OPTIONS = '{"channels": [8, 16, 32, 32]}'
MEASURED = ("--points", 500, "--threads", 1, "--device", "cpu")
Words = Sequence[object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="processes of each stage")
    rounds = parser.parse_args().rounds
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for stage in sweep():
            run(stage)
        stages = timed_stages()
        work = {stage[0]: seconds_here(stage) for stage in stages}
        commands: dict[str, Words] = {"`import torch`": ("-c", "import torch")}
        commands |= {stage[0]: ("-m", "vae_geometry", *stage) for stage in stages}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds + 1):
            for name, command in commands.items():
                seconds[name].append(seconds_of_process(command))
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}  # the first one may compile
    print(f"{processor()}, median of {rounds} rounds\n")
    print("| stage | CPU seconds | over `import torch` | of them work |\n|---|---|---|---|")
    for name, median in medians.items():
        alone = f"{work[name]:.2f}" if name in work else ""
        print(f"| {name} | {median:.2f} | {median / medians['`import torch`']:.2f} | {alone} |")


def folder(size: int, epoch: int | None = None) -> Path:
    run_folder = Path(f"results/digits/fresh/k{size}/seed0")
    return run_folder if epoch is None else run_folder / f"epoch{epoch}"


def weights(size: int, epoch: int) -> Path:
    return folder(size) / f"checkpoints/epoch{epoch}.safetensors"


def sweep() -> list[Words]:
    """All stages before the tables."""
    stages: list[Words] = [("prepare-dataset", "digits", "--output", "images"), prepare_features()]
    for size in SIZES:
        stages += [initialise(size, weights(size, 0)), train(size, folder(size))]
        for epoch in EPOCHS:
            stages.append(dump(size, epoch))
            stages.append(measure_geometry(size, epoch))
            stages.append(measure_fidelity(size, epoch))
        stages.append(measure_memory(size))
    return [*stages, compare_bottlenecks()]


def timed_stages() -> list[Words]:
    size, epoch = SIZES[-1], EPOCHS[-1]
    names = ("--dataset", "digits", "--noise", "fresh", "--seed", 0, "--bottleneck", *SIZES, "--epoch", *EPOCHS)
    return [
        ("prepare-dataset", "digits", "--output", "images"),
        initialise(size, Path("again/epoch0.safetensors")),
        dump(size, epoch),
        measure_geometry(size, epoch),
        prepare_features(),
        measure_fidelity(size, epoch),
        measure_memory(size),
        ("collect-tables", *names, "--id-scaling", "--output", "results/tables"),
        ("plot", "figure1", *names, "--output", "results/figure1"),
        compare_bottlenecks(),
        ("check-claims", *names, "--output", "results/claims"),
    ]


def initialise(size: int, output: Path) -> Words:
    names = ("--dataset", "digits", "--bottleneck", size, "--options", OPTIONS)
    return "initialise", "--data", "images/train.npz", "--output", output, *names


def train(size: int, output: Path) -> Words:
    limits = ("--epochs", EPOCHS[-1], "--checkpoints", *EPOCHS, "--batch-size", 64, "--threads", 1, "--device", "cpu")
    return "train", "--data", "images/train.npz", "--initial", weights(size, 0), "--output", output, *limits


def dump(size: int, epoch: int) -> Words:
    outputs = ("--output", folder(size, epoch) / "activations", "--reconstructions", folder(size, epoch) / "images.npz")
    return "dump-activations", weights(size, epoch), "--data", "images/test.npz", *outputs, *MEASURED


def measure_geometry(size: int, epoch: int) -> Words:
    output = ("--output", folder(size, epoch), "--scales", 64, "--threads", 1)
    return "measure-geometry", folder(size, epoch) / "activations", *output


def prepare_features() -> Words:
    output = ("--output", "features.npz", "--extractor", "efficientnet_lite0")
    return "prepare-features", "images/test.npz", *output, *MEASURED


def measure_fidelity(size: int, epoch: int) -> Words:
    output = ("--output", folder(size, epoch) / "fidelity.parquet", "--features", "features.npz")
    return "measure-fidelity", folder(size, epoch) / "activations", *output, *MEASURED


def measure_memory(size: int) -> Words:
    networks = [weights(size, epoch) for epoch in EPOCHS]
    return (
        "measure-memory",
        *networks,
        "--data",
        "images/train.npz",
        "--output",
        folder(size) / "memory.parquet",
        *MEASURED,
    )


def compare_bottlenecks() -> Words:
    networks = [weights(size, EPOCHS[-1]) for size in SIZES]
    output = f"results/digits/fresh/seed0/epoch{EPOCHS[-1]}/cross_bottleneck.parquet"
    return "compare-bottlenecks", *networks, "--data", "images/test.npz", "--output", output, *MEASURED


def run(stage: Words) -> None:
    with redirect_stdout(sys.stderr):
        status = vae_geometry([str(word) for word in stage])
    if status:
        sys.exit(f"{stage[0]} failed")


def seconds_here(stage: Words) -> float:
    """CPU seconds of a stage in this process, after it has run once."""
    run(stage)
    started = time.process_time()
    run(stage)
    return time.process_time() - started


def seconds_of_process(command: Words) -> float:
    process = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
