"""The evidence read from the tables of a sweep: layers by role, means over seeds and their errors."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_up_evidence import LAST, SWEEP_SIZES, as_in_the_paper, roles_of, selection, write_sweep

from vae_geometry import VaeGeometryError, tables
from vae_geometry.claims.evidence import DECODER, ENCODER, NotApplicable, NotMeasured, doubling
from vae_geometry.claims.reading import of_sweep
from vae_geometry.claims.uncertainty import Sample, sum_of


def rewrite(kind, path, **columns):
    rows = [{**row, **columns} for row in pq.read_table(path).to_pylist()]
    tables.write(kind, rows, path)


def numbers(sample):
    return sample.numbers.tolist(), sample.errors.tolist()


def test_each_seed_has_its_numbers_and_errors(tmp_path):
    write_sweep(tmp_path)
    first, second, together = of_sweep(selection(tmp_path))
    assert (first.seeds, second.seeds, together.seeds) == ((0,), (1,), (0, 1))
    assert numbers(first.dimension[8, 3, 4]) == ([7.0], [0.001])
    assert numbers(second.dimension[8, 3, 4]) == ([8.0], [0.001])
    assert numbers(together.dimension[8, 3, 4]) == ([7.0, 8.0], [0.001, 0.001])
    assert together.dimension[8, 3, 4].error == pytest.approx(0.5)  # of the mean
    assert together.imbalance[8, 3, 10, 0].error == 0.001  # the seeds share this measurement
    assert numbers(first.kl[8, 2]) == ([12.0], [0.0])  # on a straight line
    assert np.isnan(first.frechet_distance[8, 1].error)  # an unknown error is not zero
    assert (together.last, together.coordinates, together.extractor) == (3, 1024, "efficientnet_lite0")


def test_what_one_seed_lacks_is_not_measured(tmp_path):
    write_sweep(tmp_path)
    path = tmp_path / "digits/fresh/k8/seed1/epoch3/intrinsic_dimension.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[4] |= {"intrinsic_dimension": None, "id_stderr": None, "reason": "too few points"}
    tables.write("intrinsic_dimension", rows, path)
    *_, together = of_sweep(selection(tmp_path))
    assert (8, 3, 4) not in together.dimension
    assert (8, 3, 5) in together.dimension


def test_the_scatter_of_the_kl_is_its_error(tmp_path):
    write_sweep(tmp_path, seeds=(0,))
    rng = np.random.default_rng(0)
    run = {"dataset": "digits", "noise": "fresh", "seed": 0}
    for size in SWEEP_SIZES:
        rows = [
            {**run, "bottleneck": size, "epoch": epoch, "validation_kl": 20 + epoch / 10 + rng.normal(scale=0.5)}
            for epoch in range(1, 2001)
        ]
        tables.write("training", rows, tmp_path / f"digits/fresh/k{size}/seed0/training.parquet")
    measured, _ = of_sweep(selection(tmp_path, seeds=(0,)))
    assert measured.kl[8, 7].error == pytest.approx(0.5, rel=0.05)


def test_the_roles_come_from_the_tables(tmp_path):
    write_sweep(tmp_path, roles=roles_of(3, 1))
    *_, together = of_sweep(selection(tmp_path))
    assert together.layers(*ENCODER) == [0, 1, 2, 3]
    assert together.layers("bottleneck") == [4]
    assert together.layers(*DECODER) == [4, 5, 6]
    assert together.dimension_of(8, 3, "output").mean == 9.5
    assert together.coordinates == 1024  # of the input; every other layer of this sweep has fewer coordinates


def test_layers_without_a_role_leave_the_numbers_but_no_places(tmp_path):
    write_sweep(tmp_path, roles=[None] * 11)
    *_, together = of_sweep(selection(tmp_path))
    assert together.dimension[8, 3, 4].mean == 7.5
    assert together.coordinates is None
    with pytest.raises(NotMeasured, match="the roles of the layers are not known"):
        together.layers("input")


def test_tables_of_different_networks_are_not_mixed(tmp_path):
    write_sweep(tmp_path)
    other = tmp_path / "digits/fresh/k8/seed1/epoch3/intrinsic_dimension.parquet"
    rewrite("intrinsic_dimension", other, role="encoder")
    with pytest.raises(VaeGeometryError, match="layer 0 differs between the tables, so they are of different networks"):
        of_sweep(selection(tmp_path))


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ({}, "the roles of the layers are not known"),
        ({0: "input", 1: None, 2: "output"}, "the roles of the layers are not known"),
        ({0: "input", 1: "output", 2: "output"}, "needs one layer of the role output, the network has 2"),
    ],
)
def test_a_role_that_is_not_there_once_is_not_guessed(roles, reason):
    with pytest.raises(NotMeasured) as error:
        replace(as_in_the_paper(), roles=roles).to_input(8, LAST, "output")
    assert str(error.value) == reason


def test_what_asks_for_a_layer_that_a_network_lacks_does_not_apply():
    encoder = replace(as_in_the_paper(), roles={0: "input", 1: "bottleneck"})
    with pytest.raises(NotApplicable, match="the network has no layer of the role output"):
        encoder.to_input(8, LAST, "output")


def test_the_reason_of_a_null_distance_is_kept(tmp_path):
    write_sweep(tmp_path, seeds=(0,))
    assert of_sweep(selection(tmp_path, seeds=(0,)))[0].no_distance is None
    for path in tmp_path.glob("digits/fresh/k*/seed0/epoch*/fidelity.parquet"):
        rewrite("fidelity", path, frechet_distance=None, extractor=None, reason="no images")
    assert of_sweep(selection(tmp_path, seeds=(0,)))[0].no_distance == "no images"


@pytest.mark.parametrize(("n_encoder", "n_decoder"), [(4, 4), (1, 1), (2, 2), (3, 1), (0, 0)])
def test_the_steps_of_a_part_are_those_between_its_ends(n_encoder, n_decoder):
    evidence = as_in_the_paper(roles=roles_of(n_encoder, n_decoder))
    step = 2 * (0.2 - 0.1) / (0.2 + 0.1)
    compressions = evidence.steps(32, LAST, *ENCODER, "bottleneck")
    expansions = evidence.steps(32, LAST, *DECODER)
    assert [each.mean for each in compressions] == pytest.approx([-step] * (n_encoder + 1), rel=1e-3)
    assert [each.mean for each in expansions] == pytest.approx([step] * (n_decoder + 1), rel=1e-3)


def test_the_error_of_a_step_is_propagated_within_each_seed():
    evidence = replace(
        as_in_the_paper(roles=roles_of(0, 0)),
        imbalance={(8, LAST, 1, 2): Sample.of(0.3, 0.02), (8, LAST, 2, 1): Sample.of(0.1, 0.0)},
    )
    step = sum_of(evidence.steps(8, LAST, *DECODER))
    assert (step.mean, step.error) == (pytest.approx(1.0), pytest.approx(4 * 0.1 * 0.02 / 0.4**2))


@pytest.mark.parametrize(
    ("last", "windows"),
    [
        (1, [(1, 1)]),
        (5, [(1, 1), (2, 3), (4, 5)]),
        (33, [(1, 1), (2, 3), (4, 7), (8, 15), (16, 33)]),  # two epochs more are no window
        (50, [(1, 1), (2, 3), (4, 7), (8, 15), (16, 31), (32, 50)]),
    ],
)
def test_windows_double_in_length(last, windows):
    assert doubling(last) == windows


def test_a_course_is_the_mean_of_each_window():
    evidence = replace(
        as_in_the_paper(), epochs=(0, 5), kl={(8, epoch): Sample.of(epoch, 1.0) for epoch in range(1, 6)}
    )
    course = evidence.course(evidence.kl, 8)
    assert {window: sample.mean for window, sample in course.items()} == {(1, 1): 1, (2, 3): 2.5, (4, 5): 4.5}
    assert course[4, 5].error == pytest.approx(np.sqrt(0.5))
    with pytest.raises(NotMeasured, match="needs 5 epochs, the sweep has 4; train longer"):
        replace(evidence, epochs=(0, 4)).course({(8, epoch): evidence.kl[8, epoch] for epoch in range(1, 5)}, 8)
    with pytest.raises(NotMeasured, match="not every epoch up to 6 was measured"):
        replace(evidence, epochs=(0, 6)).course(evidence.kl, 8)
