"""Compiled loops over the coordinates of a space, before its points are multiplied (see ``_spaces.py``)."""

from typing import Any

import numpy as np

from vae_geometry.geometry._kernels import Float32s, Float64s, Floats, compiled, compiled_to_sum

REACH = 2364.0  # units: 3 REACH**2 < 2**24
FINEST_UNIT = 2.0**-60  # its square is far from where float32 underflows


@compiled
def smallest_but_zero(points: Floats) -> float:
    """Smallest absolute coordinate but zero; infinity where all are zero."""
    smallest = np.inf
    for i in range(points.shape[0]):
        for k in range(points.shape[1]):
            if 0 < abs(points[i, k]) < smallest:
                smallest = abs(points[i, k])
    return smallest


@compiled
def prepare(
    points: Floats, shift: Floats, scale: np.floating[Any], out: Float32s, squared_norms: Float64s, units: Float64s
) -> None:
    """Shift, scale and round some coordinates of points into ``out`` (n_rows, n_columns).

    Add their squares to ``squared_norms`` (n_rows,), and lower ``units`` (n_rows,) as ``_unit`` says. The shift and the
    scale have the points' type, in which the arithmetic is done.
    """
    for i in range(len(points)):
        for k in range(points.shape[1]):
            out[i, k] = (points[i, k] - shift[k]) * scale
        squared_norms[i] += _sum_of_squares(out[i])
        units[i] = _unit(points[i], shift, scale, out[i], units[i])


@compiled
def _unit(point: Floats, shift: Floats, scale: np.floating[Any], prepared: Float32s, unit: float) -> float:
    """Largest power of two, at most ``unit``, that divides the scaled coordinates and shifts wherever they differ.

    Zero once it is so small that a prepared coordinate is beyond reach.
    """
    for k in range(len(point)):
        if point[k] != shift[k]:
            unit = _divisor(np.float64(point[k]) * np.float64(scale), unit)
            unit = _divisor(np.float64(shift[k]) * np.float64(scale), unit)
            if abs(prepared[k]) >= REACH * unit:
                return 0.0
    return unit


@compiled
def _divisor(value: np.floating[Any], unit: float) -> float:
    """Halve ``unit`` until it divides the value; zero where that takes too fine a unit."""
    while unit >= FINEST_UNIT and np.floor(value / unit) != value / unit:
        unit /= 2
    return unit if unit >= FINEST_UNIT else 0.0


@compiled_to_sum
def _sum_of_squares(values: Float32s) -> np.float64:
    total = np.float64(0)
    for k in range(len(values)):
        total += np.float64(values[k]) * np.float64(values[k])
    return total
