"""Figures fit to print: widths, fonts, resolution, colours, and words that neither overlap nor leave the page."""

import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from PIL import Image
from printed_words import overlaps, words
from published_sweep import BOTTLENECKS, NOISES, PUBLISHED, SEED_NUMBERS, draw, selection_for

from vae_geometry import tables
from vae_geometry.figures import style
from vae_geometry.figures.axes import compress_bottleneck, log_axis, name_points
from vae_geometry.figures.registry import FIGURES

WIDTHS = (89, 183)  # mm
OF_K = ("figure1", "figure2", "figureA2", "losses", "ii_to_output", "id_scaling", "noise")


@pytest.fixture(scope="module")
def sweep(published_sweep):
    return published_sweep


@pytest.fixture(scope="module")
def drawn(published_figures):
    return published_figures


@pytest.fixture(scope="module")
def pages(sweep):
    """The figures themselves, in the style in which ``plot`` draws them."""
    with style.applied():
        return {
            name: draw(name, selection_for(name, sweep), *([PUBLISHED] if name == "published" else []))[0]
            for name in FIGURES
        }


@pytest.mark.parametrize("figure", FIGURES)
def test_the_png_has_300_dpi_and_the_width_of_one_or_two_columns(drawn, figure):
    with Image.open(drawn / f"{figure}.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert min(abs(image.width - width / 25.4 * 300) for width in WIDTHS) < 1


@pytest.mark.parametrize("figure", FIGURES)
def test_the_pdf_has_the_same_width_and_holds_its_fonts_as_truetype(drawn, figure):
    content = (drawn / f"{figure}.pdf").read_bytes()
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", content)[1])
    assert min(abs(width - millimetres / 25.4 * 72) for millimetres in WIDTHS) < 0.01
    descriptors = content.count(b"/Type /FontDescriptor")
    assert descriptors == content.count(b"/FontFile2") > 0
    assert b"/Subtype /CIDFontType2" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize("figure", FIGURES)
def test_words_are_6_points_or_more_and_neither_overlap_nor_leave_the_page(pages, monkeypatch, figure):
    page = pages[figure]
    shown = words(page, monkeypatch)
    assert len(shown) > 5
    for text, box in shown:
        assert text.get_fontsize() >= 6, text.get_text()
        assert "$" not in text.get_text()  # an exponent would be set at 70 %
        assert min(box.x0, box.y0, page.bbox.x1 - box.x1, page.bbox.y1 - box.y1) > -1, text.get_text()
    assert overlaps(shown) == []


@pytest.mark.parametrize("figure", FIGURES)
def test_no_measured_point_lies_outside_its_panel(pages, figure):
    for ax in pages[figure].axes:
        for line in ax.lines:
            if line.get_marker() not in ("", "None"):
                for values, limits in zip(line.get_data(), (ax.get_xlim(), ax.get_ylim()), strict=True):
                    assert min(limits) <= np.nanmin(values)
                    assert np.nanmax(values) <= max(limits)


@pytest.mark.parametrize(("bottlenecks", "name"), [([2, 32], "ID of the data"), ([2], "ID of the data →")])
def test_the_datas_id_is_named_at_its_place_or_where_it_lies_beyond_the_axis(sweep, monkeypatch, bottlenecks, name):
    with style.applied():
        page, _ = draw("figureA1", replace(sweep, bottlenecks=bottlenecks))
        page.draw_without_rendering()
    left, right = page.axes[0].bbox.intervalx
    assert right - left > 0.3 * page.bbox.width
    boxes = [box for text, box in words(page, monkeypatch) if text.get_text() == name]
    assert len(boxes) == 2


def test_points_of_a_path_that_lie_together_have_one_name(monkeypatch):
    with style.applied():
        page, [[ax]] = style.new_figure(style.COLUMN, 2, 1, 1)
        x, y = pd.Series([0, 0.5, 0.501, 0.502, 1]), pd.Series([0, 0.5, 0.5, 0.501, 1])
        ax.plot(x, y)
        page.draw_without_rendering()
        name_points(ax, x, y, ["e4", "z", "d0", "d1", "out"])
    assert [text.get_text() for text in ax.texts] == ["e4", "z-d1", "out"]


@pytest.mark.parametrize("figure", FIGURES)
def test_every_axis_says_what_it_is(pages, figure):
    axes = pages[figure].axes
    if figure == "reconstructions":
        return  # pictures: rows are named, columns are images
    for ax in axes:
        row = [other for other in axes if other in ax.get_shared_y_axes().get_siblings(ax)] or [ax]
        column = [other for other in axes if other in ax.get_shared_x_axes().get_siblings(ax)] or [ax]
        assert any(other.get_ylabel() for other in row)
        assert any(other.get_xlabel() for other in column) or ax.get_label() == "<colorbar>"


@pytest.mark.parametrize("figure", OF_K)
def test_a_bottleneck_has_one_colour_and_marker_in_every_figure(pages, figure):
    page = pages[figure]
    expected = {(style.colour(k), style.marker(k)) for k in BOTTLENECKS}
    lines = [line for ax in page.axes for line in ax.lines if line.get_marker() not in ("", "None")]
    assert {(line.get_color(), line.get_marker()) for line in lines} == expected
    legend = {
        text.get_text(): line for text, line in zip(page.legends[0].texts, page.legends[0].legend_handles, strict=True)
    }
    for k in BOTTLENECKS:
        assert (legend[f"K = {k}"].get_color(), legend[f"K = {k}"].get_marker()) == (style.colour(k), style.marker(k))


@pytest.mark.parametrize("figure", ["ii_plane", "published", "figureA1"])
def test_the_same_colours_stand_where_columns_panels_or_the_axis_name_the_bottleneck(pages, figure):
    page = pages[figure]
    for column, k in enumerate(BOTTLENECKS):
        ax = page.axes[0] if figure == "figureA1" else page.axes[column]
        assert style.colour(k) in [line.get_color() for line in ax.lines]
        if figure != "figureA1":
            assert ax.get_title() == f"K = {k}"


def test_a_bottleneck_keeps_its_colour_whatever_else_was_trained(sweep):
    lines = [draw("ii_to_output", replace(sweep, bottlenecks=ks))[0].axes[0].lines[-1] for ks in ([32], [2, 32])]
    assert lines[0].get_color() == lines[1].get_color()
    assert len({style.colour(bottleneck) for bottleneck in range(1, 257)}) > 100


# What deuteranopes and protanopes see of linear RGB: Machado et al., IEEE TVCG 15 (2009) 1291, severity 1.
COLOUR_BLIND = {
    "neither": np.eye(3),
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


def lab(linear):
    """CIE L*a*b* of linear RGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 1e-4))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", COLOUR_BLIND)
def test_the_papers_bottlenecks_can_be_told_apart_by_colour_blind_readers(eye):
    linear = [np.array(to_rgb(style.colour(2**power))) ** 2.2 for power in range(1, 8)]
    seen = [lab(np.clip(np.array(COLOUR_BLIND[eye]) @ colour, 0, 1)) for colour in linear]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 10


@pytest.mark.parametrize("width", [style.COLUMN, style.PAGE])
@pytest.mark.parametrize("labels", [[f"K = {2**n}" for n in range(1, 9)], [f"epoch {20 * n}" for n in range(12)]])
def test_a_long_legend_breaks_into_rows_in_the_order_given(monkeypatch, width, labels):
    with style.applied():
        page, _ = style.new_figure(width, 3, 1, 1)
        style.row_legend(page, {label: Line2D([], []) for label in labels})
    shown = [(text, box) for text, box in words(page, monkeypatch) if text.get_text() in labels]
    assert all(box.x0 >= 0 and box.x1 <= page.bbox.x1 for _, box in shown)
    assert overlaps(shown) == []
    reading = sorted(shown, key=lambda word: (-round(word[1].y0), word[1].x0))
    assert [text.get_text() for text, _ in reading] == labels


@pytest.mark.parametrize(("low", "high"), [(0.0004, 1), (0.02, 0.9), (0.011, 0.019), (0.04, 0.3)])
def test_a_log_axis_has_two_plain_numbers_or_more(low, high):
    with style.applied():
        page, [[ax]] = style.new_figure(style.COLUMN, 2, 1, 1)
        ax.plot([0, 1], [low, high])
        log_axis(ax.yaxis)
        page.draw_without_rendering()
    bottom, top = ax.get_ylim()
    shown = [label.get_text() for label in ax.get_yticklabels() if bottom <= label.get_position()[1] <= top]
    assert 2 <= len(shown) <= 8
    assert all(re.fullmatch(r"[\d.]+", name) for name in shown)


def test_a_process_of_its_own_draws_the_same_bytes(sweep, drawn, tmp_path):
    figures = ("figure1", "published")
    call = (
        "import sys; from pathlib import Path; from vae_geometry.figures.plot import plot;"
        "from vae_geometry.selection import Selection;"
        f"selection = Selection(Path({str(sweep.results)!r}), ['cifar10'], ['repeated'], {BOTTLENECKS},"
        f" {SEED_NUMBERS}, [100]);"
        f"[plot(name, selection, Path({str(tmp_path)!r}, name), Path({str(PUBLISHED)!r})) for name in {figures}]"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", call], check=True, env=environment)
    for figure, ending in itertools.product(figures, ("png", "pdf", "csv", "txt")):
        name = f"{figure}.{ending}"
        assert (tmp_path / name).read_bytes() == (drawn / name).read_bytes(), name


@pytest.mark.parametrize("count", [3, 4])
def test_more_than_two_kinds_of_noise_are_lines_of_three_panels_for_each_bottleneck(sweep, monkeypatch, count):
    kinds = NOISES[:count]
    with style.applied():
        page, numbers = draw("noise", replace(sweep, noises=kinds, epochs=[0, 10, 100]))
    assert [ax.get_title() for ax in page.axes] == ["K = 2", "", "", "K = 32", "", ""]
    assert overlaps(words(page, monkeypatch)) == []
    assert [text.get_text() for text in page.legends[0].texts] == kinds
    dimensions = numbers.query("quantity == 'ID' and bottleneck == 32").set_index("noise")["mean"]
    for line, handle, kind in zip(page.axes[3].lines, page.legends[0].legend_handles, kinds, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), dimensions[kind])
        assert line.get_color() == handle.get_color() == style.KINDS[kind][0]


def test_the_axis_is_compressed_where_only_the_bottleneck_stands_far_above_all_other_layers():
    profile = pd.DataFrame({"x": range(4), "mean": [30.0, 22, 60, 25], "spread": 1.0})
    profile["role"] = ["input", "encoder", "bottleneck", "output"]
    for of_z, top in {30.0: None, 60.0: 0.75}.items():
        page, [[ax]] = style.new_figure(style.COLUMN, 2, 1, 1)
        profile.loc[2, "mean"] = of_z
        ax.plot(profile["x"], profile["mean"])
        compress_bottleneck(ax, profile)
        page.draw_without_rendering()
        height = ax.transAxes.inverted().transform(ax.transData.transform([[0, 32], [0, of_z]]))[:, 1]
        assert ax.get_yscale() == ("linear" if top is None else "function")
        assert top is None or (height[0] == pytest.approx(top) and height[1] < 1)


def test_the_plane_marks_the_lowest_possible_ii(sweep, tmp_path):
    only = replace(sweep, bottlenecks=[2], seeds=[0], results=tmp_path)
    [path] = replace(only, results=sweep.results).files("information_imbalance")
    rows = tables.read("information_imbalance", [path]).to_pylist()
    tables.write("information_imbalance", [{**row, "n_points": 5000} for row in rows], *only.files(path.stem))
    page, _ = draw("ii_plane", only)
    dotted = [line.get_xydata().tolist() for line in page.axes[0].lines if line.get_linestyle() == ":"]
    assert dotted == [[[0, 0.0004], [1, 0.0004]], [[0.0004, 0], [0.0004, 1]]]
