"""Measured values beside the published ones, and their difference in units of the spread over seeds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from published_sweep import BOTTLENECKS, PUBLISHED, draw

from vae_geometry.claims import published as reference
from vae_geometry.figures import published
from vae_geometry.figures import summaries as series
from vae_geometry.figures.plot import plot


@pytest.fixture(scope="module")
def sweep(published_sweep):
    return published_sweep


def drawn(selection, folder):
    plot("published", selection, folder / "published", PUBLISHED)
    return pd.read_csv(folder / "published.csv")


def summary(values, error=0.5):
    """Measured ID of layer 1 for K = 2, one value a seed, each with the same standard error."""
    rows = [
        {"dataset": "cifar10", "noise": "fresh", "bottleneck": 2, "seed": seed, "epoch": 100, "layer": 1}
        | {"intrinsic_dimension": value, "id_stderr": error, "reason": "duplicates" if value is None else None}
        for seed, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows).astype({"intrinsic_dimension": float})
    return series.summarise(frame, "intrinsic_dimension", "ID", "layer", "id_stderr")


def paper(value=10.0, bottleneck=2):
    return pd.DataFrame({"bottleneck": [bottleneck], "x": [1], "mean": [value], "epoch": [99]})


def test_three_seeds_lie_above_the_published_value_by_their_spread(sweep, tmp_path):
    table = drawn(sweep, tmp_path)  # the published values times 1, 1.1 and 1.2
    assert table.groupby("panel").size().tolist() == [11 * len(BOTTLENECKS), *[10 * len(BOTTLENECKS)] * 2]
    theirs = pd.read_csv(PUBLISHED / "cifar10_intrinsic_dimension.csv").query("epoch == 99 and bottleneck == 2")
    ours = table.query("quantity == 'ID' and bottleneck == 2")
    np.testing.assert_allclose(ours["published"], theirs["intrinsic_dimension"])
    np.testing.assert_allclose(ours["difference"], 0.1 * theirs["intrinsic_dimension"])
    own = np.where(table["quantity"] == "ID", 0.01 * table["published"], 1e-4)  # it counts where it is the larger one
    np.testing.assert_allclose(table["spread"], np.maximum(0.1 * table["published"], own) / np.sqrt(3))
    np.testing.assert_allclose(table["difference_in_spreads"], table["difference"] / table["spread"])
    assert (table["difference_in_spreads"].round(6) == round(np.sqrt(3), 6)).sum() > 50
    assert set(table["epoch"]) == {100}
    assert set(table["published_epoch"]) == {99}
    assert table["reason"].isna().all()


def test_one_seed_has_a_difference_but_no_spread_to_measure_it_with(sweep, tmp_path):
    table = drawn(replace(sweep, seeds=[1], noises=["fresh"]), tmp_path)
    np.testing.assert_allclose(table["difference"], (1.1 / 2 - 1) * table["published"])
    assert table["difference_in_spreads"].isna().all()
    assert set(table["reason"]) == {"one seed: no spread over seeds"}
    assert set(table["noise"]) == {"fresh"}


@pytest.mark.parametrize(
    ("measured", "theirs", "reason"),
    [
        (summary([10.1, 10.1, 10.1], error=np.nan), paper(), "the same in all seeds: no spread"),
        (summary([10.1, None]), paper(), "one seed: no spread over seeds"),
        (summary([None, None]), paper(), "duplicates"),
        (summary([10, 11]), paper(bottleneck=4), "no value was published for this K"),
    ],
)
def test_a_null_has_its_reason(measured, theirs, reason):
    row = published.differences(measured, theirs).iloc[0]
    assert np.isnan(row["difference_in_spreads"])
    assert row["reason"] == reason


def test_seeds_that_agree_have_the_error_of_one_measurement_as_their_spread():
    row = published.differences(summary([10.099, 10.1, 10.101]), paper(10.0)).iloc[0]
    assert row["difference_in_spreads"] == pytest.approx(0.1 / (0.5 / np.sqrt(3)))
    assert pd.isna(row["reason"])


def test_the_difference_is_measured_minus_published_in_standard_errors():
    row = published.differences(summary([8, 10]), paper(12.0)).iloc[0]
    assert (row["mean"], row["published"], row["difference"]) == (9, 12, -3)
    assert row["difference_in_spreads"] == pytest.approx(-3 / 1)  # the deviation of 8 and 10 over the root of two
    assert pd.isna(row["reason"])


@pytest.mark.parametrize(("epoch", "beside"), [(100, 99), (50, 50), (120, 99), (300, 200), (3, 2)])
def test_the_published_epoch_nearest_to_the_measured_one_stands_beside_it(epoch, beside):
    for frame in reference.read(PUBLISHED):
        assert set(published.at_epoch(frame, epoch)["epoch"]) == {beside}


def test_the_figure_names_both_epochs_and_whose_noise_it_is(sweep):
    figure, _ = draw("published", replace(sweep, noises=["fresh"]), PUBLISHED)
    assert [text.get_text() for text in figure.legends[0].texts] == [
        "published for CIFAR-10: noise repeated (inferred), epoch 99 = 15,543 steps, one run",
        "measured: epoch 100 (colour: K)",
    ]
    assert "noise: fresh" in figure.get_suptitle()
