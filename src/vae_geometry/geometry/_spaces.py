"""A space whose points are compared in single precision, and the proven bound of the error that this makes.

How large the error can be
--------------------------
Write u = 2**-24 for the rounding of a float32 number, x for the points as given, and y = fl(s (x - m)) for the points
shifted by any m, scaled by a power of two s and rounded to float32. A shift changes no distance, and a power of two no
digit, so the rounding is all that y adds: |y - s(x - m)| <= u |y| in every coordinate (x - m is either rounded once,
in float32, or first in float64, which the slack below covers).

1. A product y_i.y_j is summed over chunks of c coordinates whose sums are then added up. No term passes through more
   than k = c + D / c roundings, whatever the order of summation within a chunk and with or without fused
   multiply-add, so the error is at most g |y_i| |y_j| with g = k u / (1 - k u) (Higham, Accuracy and Stability of
   Numerical Algorithms, 2nd edition, section 3.1; Cauchy-Schwarz). Summed in one go it would be D u.
2. We compare v_ij = fl(fl(|y_j|**2) - 2 y_i.y_j), which is the squared distance less |y_i|**2, a constant in each row.
   Two roundings, of |y_j|**2 and of the sum, add at most 2.1 u (|y_i| + |y_j|)**2.
3. Going from x to y moves a distance by at most u (|y_i| + |y_j|), a squared one by 2.1 u (|y_i| + |y_j|)**2.
4. The float64 direct difference that we must agree with is itself off by less than D 2**-53 times its value. A power
   of two brings the largest possible distance near 2**510 first, and the smallest coordinate but zero must then be at
   least 2**-458. Coordinates that differ do so by at least 2**-53 of the smaller one (of the other where one is zero),
   so no square of a difference overflows, and none falls below 2**-1022, where it would lose digits.

Together, with r_i = |y_i| and d_ij the (scaled) distance by direct difference,

    |v_ij - (d_ij**2 - r_i**2)| <= e_ij = 2 g r_i r_j + w (r_i + r_j)**2, where w = (6 + D 2**-28) u.

r_j is at most R(d) = min(largest r, (1 + 4u)(r_i + d_ij)), so e_ij <= e_i(d_ij) with e_i growing with the distance
alone: a far outlier blurs its own distances, not everyone's. Now take point i and another point T, and any
E >= e_i(d_iT). Then

    v_ij > v_iT + 2 E            implies d_ij > d_iT, and
    v_ij < v_iT - 2 E - slack    implies d_ij < d_iT.

The first holds because d_ij <= d_iT would give v_ij <= d_ij**2 - r_i**2 + e_i(d_ij) <= v_iT + 2 e_i(d_iT). The second
is the same with d**2 - e_i(d), which grows with d but for d < (g + 2 w) r_i / (1 - w), where it falls by less than
slack = 2 ((g + 2 w) r_i)**2. What lies between the two cuts is undecided.

Products that underflow lose at most D 2**-126, coordinates as much. With t = 2**-48 sqrt(D) added to every norm, both
are far below g t**2; s keeps the largest norm within 2**20 of 1.

When there is no error
----------------------
Among one-hot vectors, black and white images or small whole numbers nearly all points tie, and no bound above 0 tells
ties from near ties. Let q_i be a power of two that divides s x_i and s m in every coordinate in which x_i and m differ,
and suppose that r_i, r_j <= 2364 q, where q is the smaller of q_i and q_j. Then y_i and y_j are not rounded: their
coordinates are multiples of q, and at most 2364 q. Every product, square and partial sum is a multiple of q**2 and at
most r_j**2 + 2 r_i r_j < 2**24 q**2, so a float32 number holds it, whatever the order of summation; q**2 >= 2**-120 is
far from underflow. So v_ij = d_ij**2 - r_i**2 exactly, and the float64 direct difference is exact by the same argument:
the kernels take e_ij = 0, and equal values as a tie.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from mmap import MADV_DONTNEED
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_geometry.geometry._kernels import Cloud
from vae_geometry.geometry._preparation import REACH, prepare, smallest_but_zero

ROUNDING = 2.0**-24
CHUNK = 512  # coordinates: c + D / c is least at sqrt(D), so fewer are left to float64, but longer products are faster
PART_BYTES = 2**20  # what a thread reads at once stays in the second-level cache
PREPARED_ROWS = 256  # of one chunk, by one thread at a time
SAMPLE_POINTS = 31
SAFE_EXPONENT = 20  # of the largest norm: squares neither overflow nor matter where they underflow
FLOAT64_EXPONENT = 510  # of the largest distance, once scaled for float64
SMALLEST = 2.0**-458  # coordinate but zero, once scaled for float64
COARSEST_UNIT = 2.0**SAFE_EXPONENT


class Space:
    """One space: its points as given, and what is learnt of them.

    Parameters
    ----------
    points : (n_points, n_dimensions) float array
    pool : Executor
        Threads that read the points.

    Attributes
    ----------
    points : (n_points, n_dimensions) float32 or float64 array
        As given; a copy where they are of another type.
    shift : (n_dimensions,) float array
        Taken from every point; near the middle of most.
    scale : float
        Power of two that the shifted points are multiplied by.
    constants : (float, float)
        g and w of the bound.
    squared_norms : (n_points,) float64 array
        Squared norm of each shifted, scaled and rounded point. This and what follows is there once ``panels`` has
        come to its end.
    cloud : Cloud
        What the kernels need; its norms are upper bounds, with the term that covers underflow.

    Raises
    ------
    ValueError
        If a coordinate is not finite, or too small beside the largest for squares of differences in float64.
    """

    points: NDArray[np.floating[Any]]
    squared_norms: NDArray[np.float64]
    cloud: Cloud

    def __init__(self, points: NDArray[np.floating[Any]], pool: Executor) -> None:
        is_mapped = isinstance(points, np.memmap) and points.mode == "r"
        self._file = points._mmap if is_mapped else None  # type: ignore[attr-defined]  # not in numpy's stubs
        self._is_learnt = False
        single = points.dtype.kind == "f" and points.dtype.itemsize <= 4
        self.points = np.asarray(points, np.float32 if single else np.float64)  # a copy only of other types
        n_points, n_dimensions = self.points.shape
        peak, smallest = self._extremes(pool)
        reach = 2 * peak * n_dimensions**0.5  # no norm and no distance is larger
        if not np.isfinite(reach):
            raise ValueError("coordinates and distances must be finite")
        exponent = 0 - int(np.frexp(reach)[1])
        self._float64_scale = 2.0 ** min(FLOAT64_EXPONENT + exponent, 1023)
        if smallest * self._float64_scale < SMALLEST:
            raise ValueError(f"the squares of {smallest:.0e} and {peak:.0e} do not both fit in float64")
        single &= peak < 1e37
        dtype: np.dtype[np.floating[Any]] = np.dtype(np.float32 if single else np.float64)
        # The median of a few points is in the midst of most even where some lie far out; any shift is allowed.
        sample = np.linspace(0, n_points - 1, min(n_points, SAMPLE_POINTS)).astype(int)
        self.shift = np.median(np.asarray(self.points[sample], np.float64), axis=0).astype(dtype)
        if abs(exponent) <= SAFE_EXPONENT:
            exponent = 0  # no need for another pass
        limits = np.finfo(dtype)
        self.scale = dtype.type(2.0 ** int(np.clip(exponent, limits.minexp, limits.maxexp - 2)))
        k = min(CHUNK, n_dimensions) + -(-n_dimensions // CHUNK)
        self.constants = k * ROUNDING / (1 - k * ROUNDING), (6 + n_dimensions * 2.0**-28) * ROUNDING

    def panels(self, pool: Executor) -> Iterator[NDArray[np.float32]]:
        """Yield the points shifted, scaled and rounded, some coordinates at a time, and learn their norms on the way.

        Parameters
        ----------
        pool : Executor
            Threads that prepare the points.

        Yields
        ------
        (n_points, n_columns) float32 array
            At most ``CHUNK`` columns; the next panel overwrites it.
        """
        n_points, n_dimensions = self.points.shape
        memory = np.empty(n_points * min(CHUNK, n_dimensions), np.float32)
        squared_norms, units = np.zeros(n_points), np.full(n_points, COARSEST_UNIT)
        for columns in slices(n_dimensions, CHUNK):
            width = columns.stop - columns.start
            panel = memory[: n_points * width].reshape(n_points, width)
            waiting = [
                pool.submit(self._prepare, rows, columns, panel[rows], squared_norms[rows], units[rows])
                for rows in slices(n_points, PREPARED_ROWS)
            ]
            for part in waiting:
                part.result()
            yield panel
        if not self._is_learnt:
            self._learn(squared_norms, units)

    def _prepare(
        self,
        rows: slice,
        columns: slice,
        out: NDArray[np.float32],
        squared_norms: NDArray[np.float64],
        units: NDArray[np.float64],
    ) -> None:
        points, shift = self.points[rows, columns], self.shift[columns]
        prepare(points.astype(shift.dtype, copy=False), shift, self.scale, out, squared_norms, units)

    def _learn(self, squared_norms: NDArray[np.float64], units: NDArray[np.float64]) -> None:
        """Keep the squared norms of the prepared points, and what the kernels need."""
        self.squared_norms = squared_norms
        norms = np.sqrt(squared_norms) * (1 + 1e-9) + 2.0**-48 * self.points.shape[1] ** 0.5
        reach = REACH * units
        reach[reach < norms] = 0
        self.cloud = Cloud(self.points, self._twins(), norms, reach, self.constants, self._float64_scale)
        self._is_learnt = True

    def _twins(self) -> NDArray[np.int64]:
        """Lowest index of a point with the same coordinates, for each point."""
        twins = np.arange(len(self.points))
        order = np.argsort(self.squared_norms, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(self.squared_norms[order])) + 1):
            if len(group) > 1:  # equal points have equal norms
                first: dict[int, int] = {}
                for i in group:
                    twin = first.setdefault(hash((self.points[i] + 0.0).tobytes()), i)  # -0.0 + 0.0 is 0.0
                    if np.array_equal(self.points[twin], self.points[i]):
                        twins[i] = twin
        return twins

    def cuts(self, rows: slice, values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Values below and above which points are surely nearer and surely farther than the one that has ``values``.

        Parameters
        ----------
        rows : slice
        values : (..., n_rows) float32 array
            v_iT of some point T for each row i.

        Returns
        -------
        low, high : (..., n_rows) float32 arrays
        """
        g, w = self.constants
        own, largest = self.cloud.norms[rows], self.cloud.norms.max()
        squared = np.maximum(values + self.squared_norms[rows], 0) * (1 + 1e-9)
        other = largest
        for _ in range(3):  # d_iT**2 is at most squared + e_i(d_iT); any bound of it gives a closer one
            distance = np.sqrt(squared + 2 * g * own * other + w * (own + other) ** 2)
            other = np.minimum(largest, (1 + 4 * ROUNDING) * (own + distance))
        error = 2 * g * own * other + w * (own + other) ** 2
        slack = 2 * ((g + 2 * w) * own) ** 2
        low = np.nextafter((values - 2 * error - slack).astype(np.float32), np.float32(-np.inf))
        high = np.nextafter((values + 2 * error).astype(np.float32), np.float32(np.inf))
        return low, high

    def release(self) -> None:
        """Free the memory that holds the pages of a file mapped for reading; pages needed again are read again."""
        if self._file is not None:
            self._file.madvise(MADV_DONTNEED)

    def _extremes(self, pool: Executor) -> tuple[float, float]:
        """Largest and, of float64 points, smallest absolute coordinate but zero; not a number where one is not."""

        def extremes(rows: slice) -> tuple[float, float]:
            block = self.points[rows]
            peak = float(np.maximum(np.max(block), -np.min(block)))
            is_single = block.dtype == np.float32  # then no value is small enough to matter
            return peak, np.inf if is_single else smallest_but_zero(block)

        peaks, smallest = zip(*pool.map(extremes, slices(len(self.points), self._rows_at_once())), strict=True)
        return float(np.max(peaks)), float(np.min(smallest))

    def _rows_at_once(self) -> int:
        return max(1, PART_BYTES // (self.points.itemsize * self.points.shape[1]))


def slices(total: int, size: int) -> list[slice]:
    """Cut ``total`` items into runs of at most ``size``."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]
