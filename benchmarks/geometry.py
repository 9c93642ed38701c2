"""Time and memory of the geometry of a full-width network: this package, DADApy, and the bare products.

    python benchmarks/geometry.py --images test.npz

Times are taken in one process, one method after the other, so that their ratios hold on a busy machine; memory and
bytes written in a process of their own per method. Prints a table in Markdown.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from machine import processor
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vae_geometry import layout
from vae_geometry.geometry.information_imbalance import information_imbalance
from vae_geometry.geometry.intrinsic_dimension import MU_FRACTION, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

CHANNELS = [64, 128, 256, 256]
BOTTLENECKS = [32, 2, 4, 8, 16, 64, 128]  # the first is that of the one-network measurements
Geometry = tuple[NDArray[np.float64], NDArray[np.float64]]


def bare_products(layers: Sequence[NDArray], threads: int, memory_mb: int) -> None:
    """``a @ a.T`` of every layer: numpy calls SYRK, half the work of a full product."""
    with threadpool_limits(threads):
        for layer in layers:
            layer @ layer.T


def this_package(layers: Sequence[NDArray], threads: int, memory_mb: int) -> Geometry:
    """ID of every layer with its standard error, II of all pairs."""
    found = find_neighbours(layers, threads=threads, memory_mb=memory_mb)
    dimensions = [two_nearest_neighbours(distances).value for distances in found.distances]
    return np.array(dimensions, float), np.array([[information_imbalance(r) for r in row] for row in found.ranks])


def dadapy(layers: Sequence[NDArray], threads: int, memory_mb: int) -> Geometry:
    """The same by DADApy, as its tutorials do it: all distances sorted, then ID, then II of all pairs."""
    from dadapy import Data
    from dadapy._utils.metric_comparisons import _return_imbalance

    dimensions, orders = [], []
    with threadpool_limits(threads):
        for layer in layers:
            data = Data(np.asarray(layer), maxk=len(layer) - 1, n_jobs=threads)
            data.compute_distances(maxk=len(layer) - 1)
            dimensions.append(data.compute_id_2NN(algorithm="base", mu_fraction=MU_FRACTION)[0])
            orders.append(data.dist_indices)
        rng = np.random.default_rng(0)
        imbalances = [[_return_imbalance(a, b, rng=rng) for b in orders] for a in orders]
    return np.array(dimensions), np.array(imbalances)


METHODS: dict[str, Callable] = {"bare products": bare_products, "this package": this_package, "DADApy": dadapy}


def main() -> None:
    options = parse_arguments()
    if options.measure:
        print(*peak_and_written(options))
        return
    images = load_images(options.images)
    print(f"{processor()}, {options.threads} threads; numpy {np.__version__}; {len(images)} images\n", flush=True)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        n_points = min(options.points, len(images))
        folders = [dump(images, Path(scratch), k) for k in BOTTLENECKS[: options.networks]]
        compare(folders[0], n_points, options)
        whole_process(folders[0], n_points, options)
        growth(folders[0], [n for n in (n_points // 2, n_points, 2 * n_points) if n <= len(images)], options)
        if options.networks > 1:
            layers = [layer for folder in folders for layer in load(folder, n_points)]
            all_networks(layers, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--images", type=Path, help="npz with images, uint8 (N, C, H, W); scikit-learn's digits if none"
    )
    parser.add_argument("--points", type=int, default=5000, help="images to measure on")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-mb", type=int, default=4000, help="memory that the package may work with")
    parser.add_argument("--networks", type=int, default=7, help="networks for the last measurement, 7 at most")
    parser.add_argument("--scratch", type=Path, help="folder for activations, 1.3 GB a network at 5,000 points")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)  # method and folder, for the process of its own
    return parser.parse_args()


def load_images(path: Path | None) -> NDArray[np.uint8]:
    from vae_geometry.data.prepared import load_inputs, prepare_dataset
    from vae_geometry.data.sources import Preparation

    if path is not None:
        return load_inputs(path)
    with tempfile.TemporaryDirectory() as folder:
        prepare_dataset("digits", Path(folder), Preparation())
        return np.concatenate([load_inputs(Path(folder, f"{part}.npz")) for part in ("test", "train")])


def dump(images: NDArray[np.uint8], scratch: Path, bottleneck: int) -> Path:
    """Train a full-width network on 1,000 of the images for an epoch, and write its activations on all of them."""
    import torch

    from vae_geometry.config import Training
    from vae_geometry.networks.activations import dump_activations
    from vae_geometry.networks.checkpoints import load_checkpoint
    from vae_geometry.training.initialise import initialise
    from vae_geometry.training.loop import train
    from vae_geometry.training.random_streams import generator

    run, device = scratch / f"k{bottleneck}", torch.device("cpu")
    run.mkdir()
    network = {"architecture": "convolutional", "options": {"channels": CHANNELS}}
    network |= {"likelihood": "bernoulli", "variance": None}
    names = {"dataset": "benchmark", "noise": "fresh", "bottleneck": bottleneck}
    initialise(run / "initial.safetensors", {**network, **names}, 0, images)
    training = Training(epochs=1, checkpoints=(1,), batch_size=50, images=min(1000, len(images)))
    train(torch.from_numpy(images), run / "initial.safetensors", run, training, 1.0, device)
    model, config = load_checkpoint(run / layout.WEIGHTS_IN_RUN.format(epoch=1), device)
    draws = (generator(config, stream) for stream in ("measurement", "samples"))
    dump_activations(model, config, images, run / "activations", "sample", *draws, device)
    return run / "activations"


def load(folder: Path, n_points: int) -> list[NDArray]:
    return [np.load(path, mmap_mode="r")[:n_points] for path in sorted(folder.glob("layer*.npy"))]


def compare(folder: Path, n_points: int, options: argparse.Namespace) -> None:
    layers = [np.array(layer) for layer in load(folder, n_points)]
    seconds, geometry = {}, {}
    for method in (this_package, dadapy):  # their imports and compilations
        method([layers[0][:300]], options.threads, options.memory_mb)
    for name, method in [*METHODS.items(), ("bare products", bare_products)]:
        start = time.perf_counter()
        geometry[name] = method(layers, options.threads, options.memory_mb)
        seconds.setdefault(name, []).append(time.perf_counter() - start)
    bare = float(np.mean(seconds["bare products"]))  # before and after the others
    (dimension, imbalance), (their_dimension, their_imbalance) = geometry["this package"], geometry["DADApy"]
    del layers
    print(f"{len(dimension)} layers, N = {n_points}, all {imbalance.size} pairs:\n")
    print("| method | seconds | over bare products | over DADApy | peak memory, MB | written, MB |")
    print("|---|---|---|---|---|---|")
    for name in METHODS:
        mean = float(np.mean(seconds[name]))
        peak, written = measured_alone(name, folder, n_points, options)
        theirs = mean / seconds["DADApy"][0]
        print(f"| {name} | {mean:.2f} | {mean / bare:.2f} | {theirs:.3f} | {peak:.0f} | {written:.0f} |", flush=True)
    print(f"\nLargest relative difference in ID: {np.abs(dimension / their_dimension - 1).max():.1e}; ", end="")
    print(f"largest difference in II: {np.abs(imbalance - their_imbalance).max():.1e}\n", flush=True)


def whole_process(folder: Path, n_points: int, options: argparse.Namespace) -> None:
    """The command on files, from Python's start to the tables, between two rounds of bare products.

    The products of all layers are kept, as the command must keep them: a virtual machine whose host takes back free
    memory gives it again at a second a gigabyte.
    """
    layers = [np.array(layer) for layer in load(folder, n_points)]
    files = folder / "first"
    files.mkdir()
    for number, layer in enumerate(layers):
        np.save(files / layout.layer_file(number), layer)
    command = [sys.executable, "-m", "vae_geometry", "measure-geometry", str(files), "--output", str(folder / "tables")]
    command += ["--threads", str(options.threads), "--memory-mb", str(options.memory_mb)]
    subprocess.run(command, check=True)  # the first process may compile
    ratios, seconds = [], []
    for _ in range(3):
        times = []
        for is_bare in (True, False, True):
            start = time.perf_counter()
            if is_bare:
                with threadpool_limits(options.threads):
                    kept = [layer @ layer.T for layer in layers]
                del kept
            else:
                subprocess.run(command, check=True)
            times.append(time.perf_counter() - start)
        ratios.append(times[1] / np.mean(times[::2]))
        seconds.append(times[1])
    print(
        f"measure-geometry as a process: {np.median(seconds):.2f} s, "
        f"{np.median(ratios):.2f} times the bare products, all kept\n"
    )


def growth(folder: Path, sizes: list[int], options: argparse.Namespace) -> None:
    print("| N | bare products, s | this package, s | ratio |\n|---|---|---|---|")
    for n_points in sizes:
        print_ratio(str(n_points), [np.array(layer) for layer in load(folder, n_points)], options)
    print()


def all_networks(layers: list[NDArray], options: argparse.Namespace) -> None:
    print("| spaces at once | bare products, s | this package, s | ratio |\n|---|---|---|---|")
    print_ratio(str(len(layers)), layers, options)


def print_ratio(label: str, layers: list[NDArray], options: argparse.Namespace) -> None:
    seconds = []
    for method in (bare_products, this_package, bare_products):
        start = time.perf_counter()
        method(layers, options.threads, options.memory_mb)
        seconds.append(time.perf_counter() - start)
    bare = (seconds[0] + seconds[2]) / 2
    print(f"| {label} | {bare:.2f} | {seconds[1]:.2f} | {seconds[1] / bare:.2f} |", flush=True)


def measured_alone(name: str, folder: Path, n_points: int, options: argparse.Namespace) -> tuple[float, float]:
    """Peak memory and bytes written, in megabytes, of a method in a process of its own, from memory-mapped files."""
    command = [sys.executable, __file__, "--measure", name, str(folder), "--points", str(n_points)]
    command += ["--threads", str(options.threads), "--memory-mb", str(options.memory_mb)]
    peak, written = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-2:]
    return float(peak), float(written)


def peak_and_written(options: argparse.Namespace) -> tuple[float, float]:
    name, folder = options.measure
    METHODS[name](load(Path(folder), options.points), options.threads, options.memory_mb)
    status, io = (Path("/proc/self", name).read_text().splitlines() for name in ("status", "io"))
    peak = next(line for line in status if line.startswith("VmHWM"))  # getrusage also counts what the parent had
    written = next(line for line in io if line.startswith("write_bytes"))
    return int(peak.split()[1]) / 1024, int(written.split()[1]) / 2**20


if __name__ == "__main__":
    main()
