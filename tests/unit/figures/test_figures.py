"""Figures of the published CIFAR-10 values: what they show, and the numbers beside them."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from published_sweep import BOTTLENECKS, EPOCHS, NO_DISTANCE, draw, selection_for

from vae_geometry import VaeGeometryError, tables
from vae_geometry.claims.uncertainty import ESTIMATE, SEEDS
from vae_geometry.figures import style
from vae_geometry.figures.axes import draw_series
from vae_geometry.figures.plot import plot
from vae_geometry.figures.registry import FIGURES
from vae_geometry.figures.style import colour
from vae_geometry.figures.summaries import reconstructions


@pytest.fixture(scope="module")
def sweep(published_sweep):
    return published_sweep


@pytest.fixture(scope="module")
def drawn(published_figures):
    return published_figures


def numbers(folder, figure):
    return pd.read_csv(folder / f"{figure}.csv")


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_a_picture_a_vector_graphic_its_numbers_and_a_text(drawn, figure):
    assert np.asarray(Image.open(drawn / f"{figure}.png").convert("L")).std() > 10
    assert (drawn / f"{figure}.pdf").read_bytes().startswith(b"%PDF")
    assert len(numbers(drawn, figure)) > 0
    assert (drawn / f"{figure}.txt").stat().st_size > 0


def test_nothing_else_is_left_in_the_folder(drawn):
    assert len(list(drawn.iterdir())) == 4 * len(FIGURES)


@pytest.mark.parametrize(("figure", "panel"), [("figure1", "a"), ("figure3", "b"), ("noise", "b")])
def test_the_numbers_are_mean_and_standard_deviation_over_seeds(drawn, sweep, figure, panel):
    frame = tables.read_frame("intrinsic_dimension", sweep).query("bottleneck == 32 and layer == 8")
    table = numbers(drawn, figure).query("panel == @panel and bottleneck == 32 and epoch == 100 and x == 8")
    assert table["mean"].item() == pytest.approx(frame["intrinsic_dimension"].mean())
    assert table["spread"].item() == pytest.approx(frame["intrinsic_dimension"].sem())
    assert (table["spread_kind"].item(), table["n_seeds"].item()) == (SEEDS, 3)


def test_one_seed_has_the_error_of_its_own_measurement(sweep, tmp_path):
    plot("figureA1", replace(sweep, seeds=[1]), tmp_path / "figure")
    table = numbers(tmp_path, "figure").query("panel == 'a'")
    assert table["spread"].tolist() == [1e-4, 1e-4]
    assert set(table["spread_kind"]) == {ESTIMATE}


@pytest.mark.parametrize("xs", [[1], [1, 2]])
def test_a_title_names_a_band_only_where_one_is_drawn(xs):
    numbers = pd.DataFrame({"x": xs, "mean": 1.0, "spread": 0.1, "spread_kind": ESTIMATE, "n_seeds": 1})
    figure, [[ax]] = style.new_figure(style.PAGE, 2, 1, 1)
    draw_series(ax, numbers, color="0.5")
    style.heading(figure, "digits", numbers)
    band = "; band: standard error of the measurement" if len(xs) > 1 else ""
    assert figure.get_suptitle() == f"digits\none seed{band}"


def test_the_relative_difference_of_layers_is_negative_where_information_is_lost(drawn, sweep):
    frame = tables.read_frame("information_imbalance", sweep).query("bottleneck == 2 and seed == 0")
    value = frame.set_index(["source_layer", "target_layer"])["information_imbalance"]
    expected = (value[4, 5] - value[5, 4]) / ((value[4, 5] + value[5, 4]) / 2)
    table = numbers(drawn, "figure1").query("panel == 'c' and bottleneck == 2 and x == 4.5")
    assert table["mean"].item() == pytest.approx(expected)
    assert expected < 0


def test_neighbouring_bottlenecks_are_compared_from_the_smaller_to_the_larger(drawn):
    table = numbers(drawn, "figureA1").query("panel in ('c', 'd')")
    assert sorted(table["layer"]) == list(range(1, 11))
    np.testing.assert_allclose(table["mean"], (0.1 - 0.3) / 0.2)
    np.testing.assert_allclose(table["x"], (2 * 32) ** 0.5)


def test_the_id_against_scale_is_that_of_its_layers_beside_the_datas(drawn, sweep):
    frame = tables.read_frame("id_scaling", sweep).query("bottleneck == 32 and neighbours == 8")
    table = numbers(drawn, "id_scaling").query("bottleneck == 32 and x == 8")
    assert table["layer"].tolist() == [2, 5, 8, 10, 0]
    assert table["panel"].fillna("data").tolist() == ["a", "b", "c", "d", "data"]
    for layer, mean, spread in table[["layer", "mean", "spread"]].itertuples(index=False):
        values = frame[frame["layer"] == layer]["intrinsic_dimension"]
        assert (mean, spread) == pytest.approx((values.mean(), values.sem()))
    figure, _ = draw("id_scaling", sweep)
    *lines, reference = figure.axes[1].lines
    assert [line.get_color() for line in lines] == [colour(bottleneck) for bottleneck in BOTTLENECKS]
    assert lines[1].get_ydata()[-1] == pytest.approx(table.query("layer == 5")["mean"].item())
    assert reference.get_linestyle() == "--"
    assert reference.get_xydata()[-1] == pytest.approx([8, table.query("layer == 0")["mean"].item()])


def test_a_layer_of_duplicates_has_a_sentence_in_place_of_its_id_against_scale(sweep, tmp_path):
    only = replace(sweep, bottlenecks=[2], seeds=[0], results=tmp_path)
    rows = tables.read("id_scaling", replace(only, results=sweep.results).files("id_scaling")).to_pylist()
    for row in rows:
        if row["layer"] in (0, 5):
            row |= {"intrinsic_dimension": None, "id_stderr": None, "reason": "duplicates"}
    tables.write("id_scaling", rows, next(iter(only.files("id_scaling"))))
    figure, drawn = draw("id_scaling", only)
    assert [text.get_text() for text in figure.axes[1].texts] == ["duplicates"]
    assert set(drawn.query("layer == 5")["reason"]) == {"duplicates"}


def test_what_was_not_measured_is_a_null_with_its_reason_and_a_sentence_in_the_panel(sweep, drawn):
    table = numbers(drawn, "figure2").query("quantity == 'Frechet distance'")
    assert table["mean"].isna().all()
    assert set(table["n_seeds"]) == {0}
    assert set(table["reason"]) == {NO_DISTANCE}
    figure, _ = draw("figure2", selection_for("figure2", sweep))
    assert [text.get_text() for text in figure.axes[0].texts] == [NO_DISTANCE]
    assert not figure.axes[0].lines


def test_a_single_null_is_a_gap(sweep, tmp_path):
    only = replace(sweep, bottlenecks=[32], seeds=[0], results=tmp_path)
    for kind in ("intrinsic_dimension", "information_imbalance"):
        table = tables.read(kind, replace(only, results=sweep.results).files(kind)).to_pylist()
        if kind == "intrinsic_dimension":
            table[3] |= {"intrinsic_dimension": None, "id_stderr": None, "reason": "duplicates"}
        tables.write(kind, table, next(iter(only.files(kind))))
    figure, drawn = draw("figure1", only)
    heights = figure.axes[0].lines[0].get_ydata()
    assert np.flatnonzero(np.isnan(np.asarray(heights, dtype=float))).tolist() == [3]
    assert drawn.query("panel == 'a' and x == 3")["reason"].item() == "duplicates"


def test_the_kl_is_a_line_of_every_validated_epoch_beside_markers_of_the_test_set(sweep, tmp_path):
    only = replace(sweep, bottlenecks=[2], seeds=[0], epochs=EPOCHS, results=tmp_path)
    shutil.copytree(sweep.results / "cifar10/repeated/k2/seed0", tmp_path / "cifar10/repeated/k2/seed0")
    [path] = only.files("training")
    losses = tables.read("training", [path]).to_pylist()
    tables.write("training", [{**row, "validation_kl": 2.0 * row["epoch"]} for row in losses], path)
    figure, drawn = draw("figure2", only)
    course, test = figure.axes[1].lines
    np.testing.assert_array_equal(course.get_data(), [range(1, 31), range(2, 62, 2)])
    assert (course.get_marker(), test.get_linestyle(), list(test.get_xdata())) == ("", "None", EPOCHS)
    assert drawn.query("panel == 'b'")["quantity"].value_counts().to_dict() == {"validation KL": 30, "test KL": 3}


def test_losses_tell_training_from_validation(drawn):
    table = numbers(drawn, "losses").query("quantity == 'kl' and bottleneck == 2")
    np.testing.assert_allclose(table.query("part == 'train'")["mean"], np.arange(2, 31) + 1)  # without epoch 1
    assert table.query("part == 'validation'")["mean"].isna().all()


def test_a_panel_of_losses_has_a_sentence_only_where_neither_part_was_measured(sweep):
    figure, _ = draw("losses", selection_for("losses", sweep))
    assert [len(ax.texts) for ax in figure.axes] == [1, 0, 1]


def test_reconstruction_errors_are_those_of_the_images_shown(drawn, sweep):
    images, decoded, _, _ = reconstructions(sweep)
    table = numbers(drawn, "reconstructions").query("bottleneck == 32 and image == 1")
    expected = np.mean((images[1].astype(float) - decoded[32][1]) ** 2)
    assert table["mean_squared_error"].item() == pytest.approx(expected, rel=1e-5)


def test_a_figure_of_one_grey_image_and_one_bottleneck_has_room(sweep, tmp_path):
    only = replace(sweep, bottlenecks=[8], seeds=[0], results=tmp_path)
    folder = tmp_path / "cifar10/repeated/k8/seed0/epoch100"
    folder.mkdir(parents=True)
    grey = np.linspace(0, 1, 1024, dtype=np.float32).reshape(1, 1, 32, 32)
    np.savez(folder / "reconstructions.npz", images=grey, reconstructions=grey, samples=grey)
    plot("reconstructions", only, tmp_path / "figure")
    assert numbers(tmp_path, "figure")["mean_squared_error"].tolist() == [0]


def test_an_unknown_figure_is_named(sweep, tmp_path):
    with pytest.raises(VaeGeometryError, match="no figure is called figure9; the figures are compare, figure1, "):
        plot("figure9", sweep, tmp_path / "figure9")


def test_files_that_are_missing_are_named(sweep, tmp_path):
    with pytest.raises(VaeGeometryError, match=r"seed9/epoch100/reconstructions\.npz: no such file"):
        plot("reconstructions", replace(sweep, seeds=[9]), tmp_path / "figure")
    with pytest.raises(VaeGeometryError, match="pass --published resources/published"):
        plot("published", sweep, tmp_path / "figure")
    with pytest.raises(VaeGeometryError, match=r"layers\.csv: no such file"):
        plot("published", sweep, tmp_path / "figure", tmp_path)
    assert not list(tmp_path.iterdir())


def test_losses_of_a_running_sweep_show_what_is_there(sweep, tmp_path, caplog):
    running = replace(sweep, noises=["fresh"], bottlenecks=[*BOTTLENECKS, 64], epochs=[max(EPOCHS)])
    plot("losses", running, tmp_path / "losses")
    assert set(pd.read_csv(tmp_path / "losses.csv")["bottleneck"]) == set(BOTTLENECKS)
    assert "3 of 9 tables are not there yet" in caplog.text
    with pytest.raises(VaeGeometryError, match=r"k64/seed0/training.parquet: no such file"):
        plot("losses", replace(running, bottlenecks=[64]), tmp_path / "none")


@pytest.mark.parametrize("figure", ["figure1", "figureA1"])
def test_a_figure_of_the_last_epoch_leaves_the_others_out(sweep, tmp_path, figure):
    chosen = replace(sweep, noises=["fresh"], epochs=[max(EPOCHS)])
    plot(figure, chosen, tmp_path / "last")
    plot(figure, replace(chosen, epochs=EPOCHS), tmp_path / "all")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "last.csv").read_bytes()
