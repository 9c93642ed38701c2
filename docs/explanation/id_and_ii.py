"""Draw the pictures of id-and-ii.md, and print the numbers that the page names.

    python docs/explanation/id_and_ii.py          # into the folder of the page, or into the one that is named

Every number comes from the package: ``find_neighbours`` for distances and ranks, ``measure`` for ID and II.
"""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import vae_geometry as vg
from vae_geometry.figures.style import PAGE, REFERENCE, applied
from vae_geometry.geometry.intrinsic_dimension import MU_FRACTION, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.75"


def curve_sheet_and_ball(rng):
    """1,000 points with one, two and three dimensions, each in three coordinates."""
    turn, width = 3 * np.pi * (0.5 + rng.random(1000)), rng.random(1000)
    ball = rng.normal(size=(1000, 3))
    ball *= (rng.random(1000) ** (1 / 3) / np.linalg.norm(ball, axis=1))[:, None]
    return {
        "a curve": np.c_[np.cos(turn), np.sin(turn), turn / 5],
        "a rolled sheet": np.c_[turn * np.cos(turn), 20 * width, turn * np.sin(turn)],
        "a ball": ball,
    }


def two_nearest(rng):
    """Points, and the line that 2NN fits to the ratios of their two nearest distances."""
    figure = Figure(figsize=(PAGE, PAGE * 0.62), layout="constrained")
    for column, (name, points) in enumerate(curve_sheet_and_ball(rng).items()):
        space = figure.add_subplot(2, 3, column + 1, projection="3d")
        space.scatter(*points.T, s=1, color=BLUE)
        space.set(title=f"{name}, 3 coordinates", xticklabels=[], yticklabels=[], zticklabels=[])
        distances = find_neighbours([points], 2).distances[0]
        estimate = two_nearest_neighbours(distances).value
        log_mu = np.sort(np.log(distances[:, 1] / distances[:, 0]))
        height = -np.log1p(-np.arange(1, len(log_mu)) / len(log_mu))
        kept = int(MU_FRACTION * len(log_mu))
        ax = figure.add_subplot(2, 3, column + 4)
        ax.plot(log_mu[kept:-1], height[kept:], ".", color=GREY, markersize=2)
        ax.plot(log_mu[:kept], height[:kept], ".", color=BLUE, markersize=2)
        ax.plot(log_mu[[0, kept]], estimate * log_mu[[0, kept]], color=ORANGE)
        ax.set(title=f"slope = ID = {estimate:.2f}", xlabel="log(second / first distance)")
        print(f"{name}: ID {estimate:.2f}")
    figure.axes[1].set_ylabel("-log(1 - share of points below)")
    return figure


def what_an_id_depends_on(rng):
    """The ID against scale of a noisy sheet, and 2NN beside the true dimension of Gaussians."""
    sheet = np.zeros((2000, 10))
    sheet[:, :2] = rng.random((2000, 2))
    noise = rng.normal(size=sheet.shape)
    scales = vg.measure({f"{level:g}": sheet + level * noise for level in (0, 0.002, 0.01)}, scales=256).id_scaling
    figure = Figure(figsize=(PAGE, PAGE * 0.36), layout="constrained")
    left, right = figure.subplots(1, 2)
    for level, colour in zip(("0", "0.002", "0.01"), ("0.3", BLUE, ORANGE), strict=True):
        line = scales[scales.layer_name == level]
        left.semilogx(line.neighbours, line.intrinsic_dimension, "o-", color=colour, base=2, label=f"noise {level}")
        print(
            f"sheet with noise {level}: ID {dict(zip(line.neighbours, line.intrinsic_dimension.round(1), strict=True))}"
        )
    left.axhline(2, **REFERENCE)
    left.set(title="a sheet of 2 dimensions in 10 coordinates", xlabel="neighbours", ylabel="ID", ylim=0)
    left.set_xticks(powers := sorted(set(scales.neighbours)), powers)
    left.legend()
    true = [1, 2, 4, 8, 16, 32, 64, 128]
    for n_points, colour in ((500, GREY), (5000, BLUE)):
        gaussians = {str(d): rng.normal(size=(n_points, d)) for d in true}
        read = vg.measure(gaussians).intrinsic_dimension.intrinsic_dimension
        right.loglog(true, read, "o-", color=colour, base=2, label=f"N = {n_points:,}")
        print(f"Gaussians, N = {n_points}: ID {dict(zip(true, read.round(1), strict=True))}")
    right.loglog(true, true, base=2, **REFERENCE)
    right.set(title="Gaussians", xlabel="true dimension", ylabel="ID", xticks=true, yticks=true)
    right.set(xticklabels=true, yticklabels=true)
    right.legend()
    return figure


def nearest_and_its_rank(rng):
    """One point's nearest neighbour in a square and along its width, and the ranks of all points both ways."""
    square = rng.random((200, 2))
    spaces = {"A": square, "B": square[:, :1]}
    found = find_neighbours(list(spaces.values()), 2)
    ii = vg.measure(spaces).information_imbalance.set_index(["source_name", "target_name"]).information_imbalance
    central = np.argsort(np.linalg.norm(square - 0.5, axis=1))[:20]
    point = central[np.argmax(found.ranks[1, 0, central])]  # it shows best what x alone does not say
    figure = Figure(figsize=(PAGE, PAGE * 0.36), layout="constrained")
    places, histogram = figure.subplots(1, 2)
    places.scatter(*square.T, s=5, color=GREY)
    for space, colour, word in ((0, BLUE, "A (x and y)"), (1, ORANGE, "B (x alone)")):
        nearest = found.indices[space, point, 0]
        rank = found.ranks[space, 1 - space, point]
        places.plot(
            *square[[point, nearest]].T, "o-", color=colour, label=f"nearest in {word}: rank {rank} in the other"
        )
        print(f"nearest in {word} has rank {rank} in the other space")
    places.plot(*square[point], "o", color="black")
    places.set(title="200 points in a square; the black one has two nearest", xlabel="x", ylabel="y", ylim=(0, 1.35))
    places.legend(loc="upper left")
    bins = np.arange(0, 201, 5)
    for a, b, colour in ((0, 1, BLUE), (1, 0, ORANGE)):
        source, target = "AB"[a], "AB"[b]
        label = f"II({source} → {target}) = {ii[source, target]:.3f}"
        histogram.hist(found.ranks[a, b], bins, color=colour, alpha=0.7, label=label)
        print(label)
    histogram.set(title="ranks in one space of nearest neighbours in the other", xlabel="rank", ylabel="points")
    histogram.legend()
    return figure


def kinds_of_pairs(rng):
    """II both ways for pairs of spaces whose relation is known."""
    A = rng.normal(size=(1000, 4))
    spaces = {
        "rotated": A @ np.linalg.qr(rng.normal(size=(4, 4)))[0],
        "curved, in 8": np.hstack([A, A**2]),
        "half of A": A[:, :2],
        "A and 4 more": np.hstack([A, rng.normal(size=A.shape)]),
        "A with noise": A + 0.2 * rng.normal(size=A.shape),
        "half and 2 more": np.hstack([A[:, :2], rng.normal(size=(1000, 2))]),
        "independent": rng.normal(size=A.shape),
    }
    table = vg.measure({"A": A, **spaces}).information_imbalance
    ii = table.set_index(["source_name", "target_name"]).information_imbalance
    figure = Figure(figsize=(PAGE * 0.6, PAGE * 0.5), layout="constrained")
    ax = figure.subplots()
    for name in spaces:
        ax.loglog(ii["A", name], ii[name, "A"], "o", color=BLUE)
        left = ii["A", name] > 0.03
        ax.annotate(
            name,
            (ii["A", name], ii[name, "A"]),
            (-6, 5) if left else (6, -9),
            textcoords="offset points",
            ha="right" if left else "left",
        )
        print(f"{name}: II(A -> B) {ii['A', name]:.4f}, II(B -> A) {ii[name, 'A']:.4f}")
    ax.plot([2e-3, 1], [2e-3, 1], **REFERENCE)
    ax.set(xlabel="II(A → B)", ylabel="II(B → A)", title="A: 1,000 points in 4 dimensions; B as named")
    return figure


PICTURES = {
    "two-nearest": two_nearest,
    "scale-and-size": what_an_id_depends_on,
    "ranks": nearest_and_its_rank,
    "pairs": kinds_of_pairs,
}

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with applied():
        for name, draw in PICTURES.items():
            drawn = BytesIO()
            draw(np.random.default_rng(0)).savefig(drawn, dpi=160)
            Image.open(drawn).convert("RGB").quantize(64).save(folder / f"{name}.png", optimize=True)
