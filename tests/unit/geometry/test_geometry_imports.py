"""What the geometry does without: every process pays for its imports."""

import pkgutil
import subprocess
import sys

from vae_geometry import geometry

HEAVY = ("torch", "pandas", "matplotlib", "dadapy", "sklearn")
MEASURE = """
import numpy as np
from vae_geometry.geometry.intrinsic_dimension import gride, two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours
found = find_neighbours([np.random.default_rng(0).normal(size=(20, 2))])
two_nearest_neighbours(found.distances[0])
gride(found.distances[0])
"""


def imported(code, names):
    """Which of these modules are in memory after some code."""
    code += f"\nimport sys\nprint(*[name for name in {names} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def test_measuring_on_the_processor_needs_nothing_heavy():
    modules = [module.name for module in pkgutil.iter_modules(geometry.__path__, "vae_geometry.geometry.")]
    assert len(modules) >= 9
    assert imported("\n".join([*(f"import {module}" for module in modules), MEASURE]), HEAVY) == []


def test_the_formula_of_the_figures_needs_no_compiler():
    assert imported("import vae_geometry.geometry.information_imbalance", (*HEAVY, "numba")) == []
