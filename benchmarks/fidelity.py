"""Time and memory of the Frechet distance of two checkpoints: the first computes the features of the test images too.

    python benchmarks/fidelity.py --images test.npz

Runs the subcommands of the workflow's rules, each in a process of its own, and prints a table in Markdown.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    options = parse_arguments()
    limits = ["--points", str(options.points), "--threads", str(options.threads), "--device", options.device]
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        images = options.images
        if images is None:
            run("prepare-dataset", "digits", "--output", folder)
            images = folder / "test.npz"
        features = folder / "features.npz"
        from_features = ["--features", features, "--weights", options.weights, *limits]
        rows, seconds = [], {}
        for checkpoint in ("first", "second"):
            network, dump = folder / f"{checkpoint}.safetensors", folder / checkpoint
            names = ["--bottleneck", 8, "--seed", len(seconds), "--options", '{"channels": [16, 32, 64, 64]}']
            run("initialise", "--data", images, "--output", network, *names)
            run("dump-activations", network, "--data", images, "--output", dump, *limits)
            jobs = []
            if checkpoint == "first":
                made_with = ["--extractor", options.extractor, "--weights", options.weights, *limits]
                jobs.append(("prepare-features", images, "--output", features, *made_with))
            jobs.append(("measure-fidelity", dump, "--output", folder / "fidelity.parquet", *from_features))
            measured = [run(*job) for job in jobs]
            seconds[checkpoint] = [sum(costs) for costs in list(zip(*measured, strict=True))[:2]]
            rows += [(checkpoint, job[0], *costs) for job, costs in zip(jobs, measured, strict=True)]
    print(f"{options.extractor}, {options.points} images, {options.threads} threads, device {options.device}\n")
    print("| checkpoint | job | seconds | CPU seconds | peak memory, MB |\n|---|---|---|---|---|")
    for checkpoint, job, wall, cpu, peak in rows:
        print(f"| {checkpoint} | {job} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |")
    wall, cpu = (first / second for first, second in zip(seconds["first"], seconds["second"], strict=True))
    print(f"\nfirst over second checkpoint: {wall:.2f}, by CPU time {cpu:.2f}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="test.npz of a data set; scikit-learn's digits if none")
    parser.add_argument("--points", type=int, default=500, help="images to measure on")
    parser.add_argument("--extractor", choices=["inception", "efficientnet_lite0"], default="efficientnet_lite0")
    parser.add_argument(
        "--weights", type=Path, default=Path("resources/downloads"), help="of Inception: file or folder"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    parser.add_argument("--scratch", type=Path, help="folder for the dumps, which are removed in the end")
    return parser.parse_args()


def run(*command: object) -> tuple[float, float, float]:
    """Seconds, CPU seconds (which other work disturbs less) and peak memory, in MB, of a subcommand."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "vae_geometry", *map(str, command)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
