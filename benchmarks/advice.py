"""The advice on images whose number of factors is known: an answer in the bracket, or a refusal.

    python benchmarks/advice.py --factors 2 5 8 --epochs 40 300

Draws grey images of one ellipse each, with so many factors that vary (position; then axes and angle; then the levels of
ellipse and background, and the softness of the edge), and runs a sweep on them with the workflow and fresh noise alone,
for each number of epochs. Prints a table in Markdown: the answer, and whether it is right, refused or wrong. An answer
is right from the number of factors up to twice the next K of the sweep: an angle needs more than one unit.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from machine import processor
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
SIZE = 32  # pixels a side
FACTORS = ("x", "y", "length", "width", "angle", "level", "background", "softness")
FIXED = {
    "x": 0.5,
    "y": 0.5,
    "length": 0.55,
    "width": 0.4,
    "angle": 0.2,
    "level": 1.0,
    "background": 0.0,
    "softness": 0.3,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 5, 8], choices=range(1, len(FACTORS) + 1))
    parser.add_argument("--epochs", type=int, nargs="+", default=[40, 300])
    parser.add_argument("--images", type=int, default=400, help="a quarter of them test")
    parser.add_argument("--bottlenecks", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("advice"), help="for data and results")
    options = parser.parse_args()
    print(f"{processor()}; {options.images} images, {options.seeds} seeds\n")
    print("| factors | epochs | answer | |\n|---|---|---|---|")
    for n_factors in options.factors:
        name = f"ellipses{n_factors}"
        make_images(options.folder / name, n_factors, options.images)
        for epochs in options.epochs:
            answer = sweep(options, name, epochs)
            print(
                f"| {n_factors} | {epochs} | {answer} | {judge(answer, n_factors, options.bottlenecks)} |", flush=True
            )


def make_images(folder: Path, n_factors: int, n_images: int) -> None:
    """Write ``train.npy`` and ``test.npy``, float32 (N, 1, 32, 32) between 0 and 1."""
    rng = np.random.default_rng(n_factors)
    factors = {name: np.full(n_images, value) for name, value in FIXED.items()}
    factors |= {name: rng.uniform(0, 1, n_images) for name in FACTORS[:n_factors]}
    images = ellipses(factors)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "test.npy", images[: n_images // 4])
    np.save(folder / "train.npy", images[n_images // 4 :])


def ellipses(factors: dict[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """One ellipse an image; every factor lies between 0 and 1."""
    shaped = {name: values[:, None, None] for name, values in factors.items()}
    rows, columns = np.mgrid[:SIZE, :SIZE] / (SIZE - 1)
    x, y = (columns - 0.25 - shaped["x"] / 2), (rows - 0.25 - shaped["y"] / 2)
    angle = np.pi * shaped["angle"]
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    distance = np.hypot(along / (0.12 + 0.15 * shaped["length"]), across / (0.06 + 0.08 * shaped["width"]))
    inside = 1 / (1 + np.exp((distance - 1) / (0.05 + 0.3 * shaped["softness"])))
    background, level = 0.4 * shaped["background"], 0.5 + 0.5 * shaped["level"]
    return (background + (level - background) * inside)[:, None].astype(np.float32)


def sweep(options: argparse.Namespace, name: str, epochs: int) -> str:
    """Run the workflow to the claims of one data set, and return the advice's first sentence."""
    folder = options.folder / f"{name}-{epochs}"
    folder.mkdir(exist_ok=True)
    checkpoints = [0, *sorted({max(1, epochs // part) for part in (8, 4, 2, 1)})]
    config = {
        "datasets": {name: {"source": "arrays", "root": str((options.folder / name).resolve())}},
        "bottlenecks": options.bottlenecks,
        "seeds": list(range(options.seeds)),
        "noise": ["fresh"],
        "model": {"channels": [16, 32, 64, 64]},
        "training": {"epochs": epochs, "checkpoints": checkpoints, "batch_size": 64, "threads": 1},
        "geometry": {"points": options.images // 4, "scales": None, "threads": 1, "verify": False},
        "fidelity": {"extractor": "none", "points": options.images // 4},
        "device": "cpu",
    }
    (folder / "config.json").write_text(json.dumps(config))
    page = f"results/{name}/claims.md"
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", str(os.cpu_count()), "-q"]
    command += ["all", "--configfile=config.json", "--", page]
    subprocess.run(command, check=True, cwd=folder)
    text = (folder / page).read_text(encoding="utf-8")
    return text.partition("## How wide a bottleneck\n\n**")[2].partition("**")[0]


def judge(answer: str, n_factors: int, bottlenecks: list[int]) -> str:
    """Whether an answer is right, refused or wrong."""
    if not answer.startswith("Take K = "):
        return "refused"
    size = int(answer.removeprefix("Take K = ").partition(":")[0])
    upper = 2 * min((each for each in bottlenecks if each >= n_factors), default=n_factors)
    return "right" if n_factors <= size <= upper else "wrong"


if __name__ == "__main__":
    main()
