"""What figures call the Frechet distance, and the samples beside reconstructions, from a real sweep on digits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from damage import damaged
from published_sweep import draw

from vae_geometry import VaeGeometryError, tables
from vae_geometry.figures.summaries import frechet_distance
from vae_geometry.figures.summaries import reconstructions as read_reconstructions
from vae_geometry.selection import Selection


def measured_with(sweep, folder, extractors):
    """The same sweep, whose fidelity tables name extractors in turn."""
    copy = replace(sweep.selection, results=folder)
    for kind in ("fidelity", "information_imbalance"):
        pairs = zip(sweep.selection.files(kind), copy.files(kind), strict=True)
        for number, (source, target) in enumerate(pairs):
            rows = tables.read(kind, [source]).to_pylist()
            if kind == "fidelity":
                extractor = extractors[number % len(extractors)]
                rows[0] |= {"extractor": extractor} | (
                    {} if extractor else {"frechet_distance": None, "samples_frechet_distance": None}
                )
            tables.write(kind, rows, target)
    return copy


@pytest.mark.parametrize(
    ("extractor", "name"),
    [
        ("inception", "FID"),
        ("efficientnet_lite0", "Frechet distance (EfficientNet-Lite0)"),
        (None, "Frechet distance"),
    ],
)
def test_only_the_distance_of_inceptions_features_is_called_fid(sweep, tmp_path, extractor, name):
    selection = measured_with(sweep, tmp_path, [extractor])
    figure, numbers = draw("figure2", selection)
    assert figure.axes[0].get_ylabel().replace("\n", " ") == name
    assert set(numbers.query("panel == 'a'")["quantity"]) == {name}


def test_the_distance_against_k_is_named_too_and_is_that_of_the_tables(sweep):
    last = replace(sweep.selection, epochs=[2])
    figure, numbers = draw("figureA1", last)
    assert figure.axes[1].get_ylabel() == "Frechet distance\n(EfficientNet-Lite0)"
    table = tables.read_frame("fidelity", last)
    drawn = numbers.query("panel == 'b'").groupby("quantity")["mean"].apply(list).to_dict()
    name = "Frechet distance (EfficientNet-Lite0)"
    distances = {name: table["frechet_distance"], f"{name} of samples": table["samples_frechet_distance"]}
    assert drawn == {quantity: column.tolist() for quantity, column in distances.items()}
    assert table[["frechet_distance", "samples_frechet_distance"]].notna().all().all()


def test_distances_of_several_extractors_are_not_drawn_together(sweep, tmp_path):
    selection = measured_with(sweep, tmp_path, ["inception", "efficientnet_lite0"])
    with pytest.raises(VaeGeometryError, match=r"extractor is efficientnet_lite0, in .* it is inception; measure"):
        frechet_distance(selection, "epoch")


def mosaic(ax):
    return np.asarray(ax.images[0].get_array())


def test_reconstructions_stand_below_the_images_and_beside_samples(sweep, tmp_path):
    last = replace(sweep.selection, epochs=[2], results=tmp_path)
    rng, expected = np.random.default_rng(0), {}
    images = rng.random((10, 3, 32, 32))
    for bottleneck in last.bottlenecks:
        folder = tmp_path / f"digits/fresh/k{bottleneck}/seed0/epoch2"
        folder.mkdir(parents=True)
        expected[bottleneck] = rng.random((2, 10, 3, 32, 32))
        np.savez(
            folder / "reconstructions.npz",
            images=images,
            reconstructions=expected[bottleneck][0],
            samples=expected[bottleneck][1],
        )
    figure, errors = draw("reconstructions", last)
    assert isinstance(errors, pd.DataFrame)
    left, right = (mosaic(ax) for ax in figure.axes)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["images", "K = 2", "K = 3"]
    np.testing.assert_array_equal(left[:32, 34:66], images[1].transpose(1, 2, 0))
    assert (right[:32] == 1).all()  # there is no image to a sample
    for row, bottleneck in enumerate(last.bottlenecks, start=1):
        top = 34 * row
        for shown, pictures in zip((left, right), expected[bottleneck], strict=True):
            np.testing.assert_array_equal(shown[top : top + 32, 306:338], pictures[9].transpose(1, 2, 0))


NAMES = ("images", "reconstructions", "samples")


def write_reconstructions(folder, rng, **changes):
    """A file of reconstructions of each of two K; the second has other arrays where ``changes`` names some."""
    selection = Selection(folder, ["digits"], ["fresh"], [2, 3], [0], [2])
    for path, fields in selection.files("reconstructions").items():
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: rng.random((4, 1, 8, 8), np.float32) for name in NAMES}
        np.savez(path, **{**arrays, **(changes if fields["bottleneck"] == 3 else {})})
    return selection, path


@pytest.mark.parametrize(
    "changes",
    [
        {name: array}
        for name in NAMES
        for array in (np.zeros(1), np.array("text"), np.zeros((4, 1, 8, 8), np.uint8), np.zeros((0, 1, 8, 8)))
    ]
    + [{"samples": np.zeros((3, 1, 8, 8))}, {"reconstructions": np.zeros((5, 1, 8, 8))}]
    + [dict.fromkeys(NAMES, np.zeros(shape)) for shape in ((4, 2, 8, 8), (4, 1, 9, 9), (3, 1, 8, 8), (4, 64))],
)
def test_reconstructions_of_another_shape_are_named(tmp_path, rng, changes):
    selection, path = write_reconstructions(tmp_path, rng, **changes)
    with pytest.raises(VaeGeometryError, match=r"not float arrays .*; run dump-activations again") as error:
        read_reconstructions(selection)
    assert str(error.value).startswith(f"{path}: holds images ")


def test_more_samples_than_images_are_no_mistake(tmp_path, rng):
    selection, _ = write_reconstructions(tmp_path, rng, samples=rng.random((10, 1, 8, 8)))
    assert len(read_reconstructions(selection)[3]) == 8


def test_random_damage_of_reconstructions_is_seen_or_does_no_harm(tmp_path, rng):
    selection, path = write_reconstructions(tmp_path, rng)
    whole, sentences = path.read_bytes(), []
    expected = read_reconstructions(selection)
    for _ in range(500):
        path.write_bytes(damaged(whole, rng))
        try:
            images, decoded, samples, _ = read_reconstructions(selection)
        except VaeGeometryError as error:
            sentences.append(str(error))
        else:
            assert np.array_equal([images, decoded[3], samples[3]], [expected[0], expected[1][3], expected[2][3]])
    assert len(sentences) > 400
    assert "\n" not in "".join(sentences)


def test_a_file_without_samples_is_named(sweep, tmp_path):
    last = replace(sweep.selection, epochs=[2], results=tmp_path)
    folder = tmp_path / "digits/fresh/k2/seed0/epoch2"
    folder.mkdir(parents=True)
    np.savez(folder / "reconstructions.npz", images=np.zeros(1), reconstructions=np.zeros(1))
    sentence = r"reconstructions.npz: not a complete npz file with images, reconstructions, samples .*'samples.npy'"
    with pytest.raises(VaeGeometryError, match=sentence):
        read_reconstructions(last)


def test_a_copied_run_of_another_seed_is_named(tmp_path, rng):
    selection, _ = write_reconstructions(tmp_path, rng)
    both = replace(selection, seeds=[0, 1])
    assert len(read_reconstructions(both)[3]) == 8  # seed 1 is not there, and is not drawn
    first, copied = (tmp_path / f"digits/fresh/k2/seed{seed}/epoch2/reconstructions.npz" for seed in (0, 1))
    copied.parent.mkdir(parents=True)
    copied.write_bytes(first.read_bytes())
    with pytest.raises(VaeGeometryError, match=r"holds the same reconstructions as .*, of another seed") as error:
        read_reconstructions(both)
    assert str(error.value).startswith(f"{copied}: ")


def test_reconstructions_of_vectors_stand_against_their_values(tmp_path, rng):
    selection, inputs, decoded = (
        Selection(tmp_path, ["table"], ["fresh"], [2, 3], [0], [2]),
        rng.normal(size=(4, 5)),
        {},
    )
    for path, fields in selection.files("reconstructions").items():
        path.parent.mkdir(parents=True)
        decoded[fields["bottleneck"]] = rng.normal(size=(4, 5))
        np.savez(path, images=inputs, reconstructions=decoded[fields["bottleneck"]], samples=inputs)
    figure, errors = draw("reconstructions", selection)
    for ax, bottleneck in zip(figure.axes, (2, 3), strict=True):
        identity, points = ax.lines
        np.testing.assert_array_equal(points.get_xdata(), inputs.ravel())
        np.testing.assert_array_equal(points.get_ydata(), decoded[bottleneck].ravel())
        np.testing.assert_array_equal(identity.get_xdata(), identity.get_ydata())
        assert identity.get_xdata()[0] <= min(inputs.min(), decoded[bottleneck].min())
        expected = ((inputs - decoded[bottleneck]) ** 2).mean(axis=1)
        np.testing.assert_allclose(errors[errors["bottleneck"] == bottleneck]["mean_squared_error"], expected)
