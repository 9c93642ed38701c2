"""The registry of figures: every entry leads to functions, and names what they read."""

import subprocess
import sys
from dataclasses import replace

import pytest
from published_sweep import EPOCHS, PUBLISHED, draw, selection_for

from vae_geometry import VaeGeometryError, layout
from vae_geometry.figures.plot import plot
from vae_geometry.figures.registry import ENTRIES, FIGURES
from vae_geometry.selection import Selection


@pytest.mark.parametrize("name", FIGURES)
def test_an_entry_leads_to_a_function_that_draws_and_one_that_describes(name):
    draws, describes = FIGURES[name].functions()
    assert (draws.__name__, describes.__name__) == (name, f"describe_{name}")
    assert draws.__module__ == describes.__module__ == f"vae_geometry.figures.{FIGURES[name].module}"


def test_no_two_entries_have_one_name():
    assert len(FIGURES) == len(ENTRIES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_reads_the_tables_that_its_entry_names(name, published_sweep, monkeypatch):
    read, files = set(), Selection.files
    monkeypatch.setattr(Selection, "files", lambda selection, kind: read.add(kind) or files(selection, kind))
    draw(name, selection_for(name, published_sweep), *([PUBLISHED] if FIGURES[name].needs == "published" else []))
    assert read == set(FIGURES[name].tables) <= set(layout.RESULTS)


@pytest.mark.parametrize(("name", "epochs"), [("figure1", [100]), ("figureA2", [0]), ("figure3", EPOCHS)])
def test_an_entry_says_which_checkpoints_are_read(name, epochs):
    assert FIGURES[name].at(EPOCHS) == epochs
    assert FIGURES["figureA2"].at([10, 5]) == [0]  # measured for it though the config does not list it
    assert FIGURES["figure1"].at([10, 5]) == [10]


def test_the_registry_loads_neither_matplotlib_nor_pandas():
    call = (
        "import sys; sys.path[:0] = sys.argv[1:]; import vae_geometry.figures.registry;"
        "heavy = {'matplotlib', 'pandas', 'numpy', 'pyarrow', 'torch'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", call, *sys.path], check=True)


def test_a_figure_of_one_kind_of_noise_refuses_two(published_sweep, tmp_path):
    both = replace(published_sweep, noises=["fresh", "repeated"])
    with pytest.raises(
        VaeGeometryError, match="figure figure1 shows one kind of noise, not fresh and repeated; name one"
    ):
        plot("figure1", both, tmp_path / "figure1")
