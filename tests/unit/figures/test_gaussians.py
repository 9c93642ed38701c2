"""The ID of a K-dimensional Gaussian, where a figure compares an ID with K."""

import numpy as np
import pandas as pd
import pytest
from published_sweep import PUBLISHED

from vae_geometry import VaeGeometryError, layout, tables
from vae_geometry.figures import gaussians
from vae_geometry.figures.plot import plot
from vae_geometry.geometry.intrinsic_dimension import two_nearest_neighbours
from vae_geometry.geometry.neighbours import find_neighbours

TABLE = PUBLISHED.parents[1] / layout.RESOURCES["gaussians"]


def test_the_table_is_what_gaussians_give(rng):
    """Of other samples than those of the benchmark; 700 points lie between two N of the table."""
    ids = gaussians.curve(TABLE, [700, 700])
    for dimension in (2, 16, 64):
        samples = [rng.normal(size=(700, dimension)) for _ in range(10)]
        measured = [two_nearest_neighbours(find_neighbours([points]).distances[0]).value for points in samples]
        assert ids[dimension] == pytest.approx(np.mean(measured), rel=0.05)


def test_the_id_rises_with_the_dimension_at_every_n():
    """Else no dimension could be told from an ID."""
    table = pd.read_csv(TABLE)
    for _, of_size in table.groupby("n_points"):
        assert (of_size.sort_values("dimension")["intrinsic_dimension"].diff().dropna() > 0).all()


@pytest.mark.parametrize("n_points", [[499], [20_001], [1000, 2000], []])
def test_no_curve_where_n_lies_outside_the_table_or_is_not_one_number(n_points):
    assert gaussians.curve(TABLE, n_points).empty


def test_without_a_table_there_is_no_curve_and_an_absent_one_is_named(tmp_path):
    assert gaussians.curve(None, [1000]).empty
    with pytest.raises(VaeGeometryError, match=r"absent.csv: not a table of IDs of Gaussians .*; restore it"):
        gaussians.curve(tmp_path / "absent.csv", [1000])


def test_figure1_has_a_bar_for_every_k_and_says_where_it_comes_from(published_sweep, tmp_path):
    plot("figure1", published_sweep, tmp_path / "figure1", PUBLISHED, TABLE)
    numbers = pd.read_csv(tmp_path / "figure1.csv").query("quantity == @gaussians.QUANTITY")
    expected = pd.read_csv(TABLE).query("n_points == 5000").set_index("dimension")["intrinsic_dimension"]
    assert numbers["bottleneck"].tolist() == [2, 32]
    assert numbers["mean"].tolist() == pytest.approx(expected[[2, 32]].tolist())
    assert set(numbers["label"]) == {"z"}
    text = (tmp_path / "figure1.txt").read_text(encoding="utf-8")
    assert "Gaussian of K dimensions: 2 (K = 2) and 24.5 (K = 32) (resources/gaussian_dimension.csv" in text


def test_figurea1_names_the_gaussian_that_has_the_id_of_the_data(published_sweep, tmp_path):
    plot("figureA1", published_sweep, tmp_path / "figureA1", PUBLISHED, TABLE)
    numbers = pd.read_csv(tmp_path / "figureA1.csv").query("quantity == @gaussians.DIMENSION")
    frame = tables.read_frame("intrinsic_dimension", published_sweep)
    data = frame.query("role == 'input'")["intrinsic_dimension"].mean()
    assert gaussians.curve(TABLE, [5000])[48] < data < gaussians.curve(TABLE, [5000])[64]
    assert 48 < numbers["mean"].iloc[0] < 64
    text = (tmp_path / "figureA1.txt").read_text(encoding="utf-8")
    assert f"Gaussian of {numbers['mean'].iloc[0]:.3g} dimensions have it, the dotted line" in text
