"""Time and memory of one measurement in a training: this package, and others on the same activations.

    pip install tdhook 'dadapy>=0.3.4,<0.4'
    python benchmarks/monitor.py --torchid PYTHON    # 3.13 or later, with torchid


A convolutional network with random weights gives six layers of 4,096 on N random images. Each method measures the ID
of all layers and the II of all pairs in a process of its own, and `GeometryMonitor.step` with the network in another.
Prints a table in Markdown: seconds of the process and of the processor, and megabytes above what the process held
before, its packages imported.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from machine import processor
from numpy.typing import NDArray

N_LAYERS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--torchid", default=sys.executable, help="interpreter that has torchid")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("METHOD", "FOLDER"), help="measure in this process, print JSON")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(*options.measure, options)))
        return
    print(f"{processor()}, {options.threads} threads; N = {options.points}, {N_LAYERS} layers of 4096\n")
    print("| method | seconds | seconds of the processor | MB above the start | largest difference in II | in ID |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "layers.npy"), list(activations(options.points).values()))
        ours = None
        for method in METHODS:
            python = options.torchid if method == "torchid" else sys.executable
            command = [python, __file__, "--measure", method, folder, "--points", str(options.points)]
            command += ["--threads", str(options.threads), "--rounds", str(options.rounds)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                print(f"| {method} | {done.stderr.strip().splitlines()[-1]} | | | | |", flush=True)
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            ours = ours or found
            differences = [largest_difference(found[name], ours[name]) for name in ("imbalance", "dimension")]
            times = [
                " to ".join(f"{t:.2f}" for t in sorted({min(x), max(x)})) for x in (found["seconds"], found["cpu"])
            ]
            print(f"| {method} | {times[0]} | {times[1]} | {found['mb']:.0f} | {differences[0]} | {differences[1]} |")
            print(f"    the first time, with imports: {found['first']:.2f} s", file=sys.stderr, flush=True)


def largest_difference(theirs: list, ours: list) -> str:
    if not theirs:
        return "not measured"
    return f"{np.abs(np.subtract(theirs, ours)).max():.1e}"


def network():
    from torch import manual_seed, nn

    manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(64 if i else 3, 64, 3, padding=1), nn.BatchNorm2d(64)) for i in range(N_LAYERS)]
    return nn.Sequential(*[part for block in blocks for part in (block, nn.ReLU())])


def images(n_points: int):
    import torch

    return torch.randn(n_points, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def layer_names() -> list[str]:
    return [str(2 * i) for i in range(N_LAYERS)]


def activations(n_points: int) -> dict[str, NDArray[np.float32]]:
    from vae_geometry import record_activations

    return record_activations(network(), images(n_points), layer_names())


def monitor_step(options: argparse.Namespace, folder: str):
    """A function that makes one step of a monitor, of a network that has run a batch."""
    import torch

    from vae_geometry import GeometryMonitor

    model, inputs, epochs = network().eval(), images(options.points), itertools.count()
    with torch.no_grad():
        model(inputs[:256])
    monitor = GeometryMonitor(model, inputs, layer_names(), Path(folder, "monitor"), threads=options.threads)
    return lambda: in_lists(monitor.step(next(epochs)))


def this_package(options: argparse.Namespace, folder: str):
    from vae_geometry import measure

    named = {str(number): layer for number, layer in enumerate(np.load(Path(folder, "layers.npy")))}
    return lambda: in_lists(measure(named, threads=options.threads))


def in_lists(geometry) -> tuple[list, list]:
    ids = [row["intrinsic_dimension"] for row in geometry.rows["intrinsic_dimension"]]
    return ids, [row["information_imbalance"] for row in geometry.rows["information_imbalance"]]


def tdhook(options: argparse.Namespace, folder: str, dtype: str = "float32"):
    """Its ID fits all ratios, not the smallest 90 %."""
    import torch
    from tdhook.latent.dimension_estimation import TwoNnDimensionEstimator
    from tdhook.latent.representation_similarity import InformationImbalanceEstimator
    from tensordict import TensorDict

    torch.set_num_threads(options.threads)
    layers = torch.from_numpy(np.load(Path(folder, "layers.npy")).astype(dtype))

    def step() -> tuple[list, list]:
        ids = [float(TwoNnDimensionEstimator()(TensorDict({"data": layer}))["dimension"]) for layer in layers]
        imbalance = np.full((len(layers),) * 2, 2 / options.points)
        for a in range(len(layers)):
            for b in range(a):
                pair = TensorDict({"data_a": layers[a], "data_b": layers[b]})
                found = InformationImbalanceEstimator()(pair)
                imbalance[a, b] = found["information_imbalance_a_to_b"]
                imbalance[b, a] = found["information_imbalance_b_to_a"]
        return ids, imbalance.ravel().tolist()

    return step


def dadapy(options: argparse.Namespace, folder: str):
    import dadapy as _  # noqa: F401  # said where it is not installed
    from geometry import dadapy

    layers = np.load(Path(folder, "layers.npy"))

    def step() -> tuple[list, list]:
        ids, imbalance = dadapy(layers, options.threads, 0)
        return ids.tolist(), imbalance.ravel().tolist()

    return step


def torchid(options: argparse.Namespace, folder: str):
    """It measures no II."""
    import torch
    from torchid.estimators import TwoNN

    torch.set_num_threads(options.threads)
    layers = torch.from_numpy(np.load(Path(folder, "layers.npy")))
    return lambda: ([TwoNN().fit(layer).dimension_ for layer in layers], [])


METHODS = {
    "this package, `GeometryMonitor.step`": monitor_step,
    "this package, `measure`": this_package,
    "tdhook": tdhook,
    "tdhook, points in float64": partial(tdhook, dtype="float64"),
    "DADApy": dadapy,
    "torchid": torchid,
}


def measured(method: str, folder: str, options: argparse.Namespace) -> dict:
    step = METHODS[method](options, folder)
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is reset
    start = time.perf_counter()
    ids, imbalance = step()
    first = time.perf_counter() - start
    seconds, cpu = [], []
    for _ in range(options.rounds):
        start, cpu_start = time.perf_counter(), time.process_time()
        step()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    peak = megabytes("VmHWM") - before
    return {"dimension": ids, "imbalance": imbalance, "first": first, "seconds": seconds, "cpu": cpu, "mb": peak}


def megabytes(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


if __name__ == "__main__":
    main()
