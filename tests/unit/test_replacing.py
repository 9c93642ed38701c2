"""Figures, claims and versions replace what this package wrote, and nothing else."""

from dataclasses import replace

import pytest

from vae_geometry import VaeGeometryError
from vae_geometry.claims.check import check_claims
from vae_geometry.collect import collect
from vae_geometry.figures.plot import plot


@pytest.fixture
def selection(sweep):
    return replace(sweep.selection, epochs=[2])


def draw(selection, output):
    plot("losses", selection, output)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("stage", "name", "said"),
    [
        *[(draw, f"out.{ending}", "part of an earlier figure") for ending in ("png", "pdf", "csv", "txt")],
        *[(check_claims, f"out.{ending}", "part of earlier claims") for ending in ("parquet", "md", "html")],
        (
            lambda selection, output: collect(selection, output.parent),
            "versions.csv",
            "a list of packages and versions",
        ),
    ],
)
def test_a_file_of_others_is_refused_and_nothing_is_written(selection, tmp_path, stage, name, said):
    (tmp_path / name).write_text("precious")
    with pytest.raises(
        VaeGeometryError, match=f"{name}: is not {said}.* and is not replaced; name another, or move it"
    ):
        stage(selection, tmp_path / "out")
    assert content(tmp_path) == {name: b"precious"}


@pytest.mark.parametrize("stage", [draw, check_claims, lambda selection, output: collect(selection, output)])
def test_what_was_written_here_is_replaced_by_the_same_bytes(selection, tmp_path, stage):
    stage(selection, tmp_path / "out")
    folder = tmp_path / "out" if (tmp_path / "out").is_dir() else tmp_path
    before = content(folder)
    assert len(before) > 2
    stage(selection, tmp_path / "out")
    assert content(folder) == before


def test_a_picture_of_another_program_is_no_figure_of_ours(selection, tmp_path):
    from PIL import Image

    Image.new("L", (4, 4)).save(tmp_path / "out.png")
    before = content(tmp_path)
    with pytest.raises(VaeGeometryError, match=r"out.png: is not part of an earlier figure"):
        draw(selection, tmp_path / "out")
    assert content(tmp_path) == before


@pytest.mark.parametrize("written", range(4))
def test_a_figure_that_was_interrupted_is_drawn_again(selection, tmp_path, monkeypatch, written):
    rename, renamed = type(tmp_path).replace, []

    def interrupt(path, target):
        if len(renamed) == written:
            raise KeyboardInterrupt
        renamed.append(target)
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        draw(selection, tmp_path / "out")
    monkeypatch.undo()
    assert len(content(tmp_path)) == written
    draw(selection, tmp_path / "out")
    assert len(content(tmp_path)) == 4
