"""A few spaces of the same points, without ties, that ask different things of the geometry."""

import numpy as np

N = 400
CASES = ["random", "swiss roll", "sphere", "one direction", "wide"]


def spaces_of(case):
    """A few spaces of the same points, (N, D) each, without ties."""
    rng = np.random.default_rng(CASES.index(case))
    if case == "random":
        shared = rng.normal(size=(N, 3))
        return [shared, np.hstack([shared, rng.normal(size=(N, 2))]), rng.normal(size=(N, 50))]
    if case == "swiss roll":
        angle, height = 1.5 * np.pi * (1 + 2 * rng.random(N)), 21 * rng.random(N)
        roll = np.column_stack([angle * np.cos(angle), height, angle * np.sin(angle)])
        return [roll, np.column_stack([angle, height]), roll[:, :1]]
    if case == "sphere":
        directions = rng.normal(size=(N, 4))
        sphere = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return [sphere, sphere[:, :3], np.hstack([sphere**2, sphere @ rng.normal(size=(4, 30))])]
    if case == "one direction":  # far from the origin, so that products of coordinates lose digits
        line = rng.random((N, 1))
        return [1000 + line, 1000 + np.hstack([line**3, 0.1 * rng.random((N, 1))])]
    return [rng.random((N, 2000)).astype(np.float32), rng.random((N, 3)).astype(np.float32)]
