import numpy as np
import pytest
import torch

from vae_geometry import VaeGeometryError, tables
from vae_geometry.data.prepared import load_inputs
from vae_geometry.networks import activations, build
from vae_geometry.networks.activations import dump_activations, write_reconstructions
from vae_geometry.networks.checkpoints import load_checkpoint, save_checkpoint
from vae_geometry.networks.convolutional import VAE
from vae_geometry.training.random_streams import generator

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
RUN = {"dataset": "digits", "noise": "fresh", "bottleneck": 3, "seed": 4, "epoch": 9}
N = 20
ENCODER, DECODER = [f"encoder {n}" for n in (1, 2, 3, 4)], ["decoder linear", *[f"decoder {n}" for n in (1, 2, 3)]]
SHAPES = [[1, 32, 32], [4, 16, 16], [4, 16, 16], [1, 32, 32]]  # of the first and last two layers
NAMES = ["input", *ENCODER, "bottleneck", *DECODER, "output"]


@pytest.fixture(scope="module")
def images(digits):
    return load_inputs(digits / "test.npz")[:N]


def checkpoint_of(folder, name="epoch9", **changes):
    """A network whose batch norm has seen images, so that eval and training mode differ."""
    torch.manual_seed(0)
    model = build("convolutional", (1, 32, 32), 3, {"channels": [4, 5, 6, 7]})
    model.train()
    for _ in range(5):
        model(torch.rand(16, 1, 32, 32), torch.randn(16, 3))
    described = {"architecture": "convolutional", "shape": [1, 32, 32], "options": {"channels": [4, 5, 6, 7]}}
    described |= {"likelihood": "bernoulli", "variance": None}
    save_checkpoint(folder / f"{name}.safetensors", model, {**RUN, **described, **changes})
    return folder / f"{name}.safetensors"


@pytest.fixture
def checkpoint(tmp_path):
    return checkpoint_of(tmp_path)


def layers(folder):
    return [np.load(folder / f"layer{layer:02d}.npy") for layer in range(11)]


def dump(checkpoint, images, folder, latent="sample"):
    """Dump the activations of a checkpoint; returns its network and config."""
    model, config = load_checkpoint(checkpoint)
    draws = (generator(config, stream) for stream in ("measurement", "samples"))
    dump_activations(model, config, images, folder, latent, *draws, CPU)
    return model, config


def dumped(checkpoint, images, folder, latent="sample"):
    dump(checkpoint, images, folder, latent)
    return layers(folder)


def reconstructed(checkpoint, images, folder, path):
    """What ``write_reconstructions`` writes beside a dump."""
    dump(checkpoint, images, folder)
    write_reconstructions(folder, path)
    with np.load(path) as file:
        return dict(file)


def test_layer_sizes_at_full_width(tmp_path):
    model = build("convolutional", (3, 32, 32), 32).eval()
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), np.uint8)
    config = {**RUN, "likelihood": "bernoulli"}
    dump_activations(model, config, images, tmp_path / "dump", "sample", torch.Generator(), torch.Generator(), CPU)
    arrays = layers(tmp_path / "dump")
    sizes = [3072, 16384, 8192, 4096, 1024, 32, 1024, 4096, 8192, 16384, 3072]
    assert [array.shape for array in arrays] == [(2, size) for size in sizes]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize("latent", ["sample", "mean"])
def test_activations_equal_a_forward_pass_by_hand(tmp_path, checkpoint, images, latent, monkeypatch):
    monkeypatch.setattr(activations, "BATCH_SIZE", 8)  # the last of three batches is not full
    arrays = dumped(checkpoint, images, tmp_path / "dump", latent)
    model, config = load_checkpoint(checkpoint)
    draw = generator(config, "measurement")
    noise = torch.cat([torch.randn(n, 3, generator=draw) for n in (8, 8, 4)])
    with torch.no_grad():
        values = [torch.from_numpy(images).float() / 255]
        for block in range(4):
            convolution, batch_norm, _ = model.encoder[block]
            values.append(torch.nn.functional.leaky_relu(batch_norm(convolution(values[-1])), 0.2))
        features = values[-1].flatten(1)
        mean, log_variance = model.mean(features), model.log_variance(features)
        values.append(mean + (log_variance / 2).exp() * noise if latent == "sample" else mean)
        linear, batch_norm, _ = model.decoder[0]
        values.append(torch.nn.functional.leaky_relu(batch_norm(linear(values[-1])), 0.2))
        result = values[-1].reshape(N, 7, 2, 2)
        for block in model.decoder[2:5]:
            convolution, batch_norm, _ = block
            result = torch.nn.functional.leaky_relu(batch_norm(convolution(result)), 0.2)
            values.append(result)
        values.append(torch.sigmoid(model.decoder[5](result)))
    for layer, (array, expected) in enumerate(zip(arrays, values, strict=True)):
        assert np.allclose(array, expected.flatten(1), atol=1e-5), NAMES[layer]


def test_what_the_elbo_needs_belongs_to_the_sampled_z_in_both_modes(tmp_path, checkpoint, images):
    sampled, at_mean = (dumped(checkpoint, images, tmp_path / latent, latent) for latent in ("sample", "mean"))
    for name in ("mean", "log_variance", "logits"):
        a, b = (np.load(tmp_path / latent / f"{name}.npy") for latent in ("sample", "mean"))
        assert np.array_equal(a, b)
    logits = np.load(tmp_path / "mean/logits.npy").astype(float)
    assert np.allclose(1 / (1 + np.exp(-logits)), sampled[10], atol=1e-6)
    assert not np.allclose(at_mean[10], sampled[10], atol=1e-6)
    assert np.array_equal(at_mean[5], np.load(tmp_path / "mean/mean.npy"))


def test_the_network_runs_in_eval_mode(tmp_path, checkpoint, images):
    """Batch norm in training mode would let the other images of a batch change the first ones."""
    few, many = dumped(checkpoint, images[:5], tmp_path / "few"), dumped(checkpoint, images, tmp_path / "many")
    for layer in range(5):
        assert np.allclose(few[layer], many[layer][:5], atol=1e-5)


def test_the_input_layer_is_the_images_between_0_and_1(tmp_path, checkpoint, images):
    first, *_, last = dumped(checkpoint, images, tmp_path / "dump")
    assert np.array_equal(first, (images.reshape(N, -1) / np.float32(255)).astype(np.float32))
    assert first.max() == 1
    assert 0 < last.min() < last.max() < 1


def test_both_kinds_of_noise_are_measured_with_the_same_latent_noise(tmp_path, images):
    fresh, repeated = (
        dumped(checkpoint_of(tmp_path, noise, noise=noise), images, tmp_path / f"dump {noise}")
        for noise in ("fresh", "repeated")
    )
    assert all(np.array_equal(a, b) for a, b in zip(fresh, repeated, strict=True))


def test_another_seed_is_measured_with_other_latent_noise(tmp_path, images):
    a, b = (dumped(checkpoint_of(tmp_path, f"s{s}", seed=s), images, tmp_path / str(s)) for s in (0, 1))
    assert np.array_equal(a[4], b[4])
    assert not np.array_equal(a[5], b[5])


def test_latent_noise_is_standard_normal(tmp_path, checkpoint, digits):
    many = load_inputs(digits / "test.npz")[:400]
    sampled = dumped(checkpoint, many, tmp_path / "dump")[5].astype(float)
    mean, log_variance = (np.load(tmp_path / f"dump/{name}.npy").astype(float) for name in ("mean", "log_variance"))
    noise = (sampled - mean) / np.exp(log_variance / 2)
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(1, abs=0.08)
    assert len(np.unique(noise.round(4))) > 0.9 * noise.size  # no draw is used twice


def test_the_same_dump_twice_has_the_same_bytes(tmp_path, checkpoint, images):
    for name in ("a", "b"):
        dump(checkpoint, images, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 11 + 4 + 1
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_the_manifest_names_the_run_and_the_layers(tmp_path, checkpoint, images):
    arrays = dumped(checkpoint, images, tmp_path / "dump")
    rows = tables.read("manifest", [tmp_path / "dump/manifest.parquet"]).to_pylist()
    assert [row["layer"] for row in rows] == list(range(11))
    assert [row["layer_name"] for row in rows] == NAMES
    roles = ["input", *4 * ["encoder"], "bottleneck", *4 * ["decoder"], "output"]
    assert [row["role"] for row in rows] == roles
    assert [row["extrinsic_dimension"] for row in rows] == [array.shape[1] for array in arrays]
    assert [row["shape"] for row in rows][:2] + [row["shape"] for row in rows][-2:] == SHAPES
    assert {(row["likelihood"], row["output_variance"]) for row in rows} == {("bernoulli", None)}
    assert all(row.items() >= {**RUN, "n_points": N}.items() for row in rows)


def break_tables(monkeypatch):
    def fail(*_arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr(tables, "write", fail)


def break_network(monkeypatch):
    decode, calls = VAE.decode, []

    def fail(self, latent):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return decode(self, latent)

    monkeypatch.setattr(activations, "BATCH_SIZE", 8)
    monkeypatch.setattr(VAE, "decode", fail)


@pytest.mark.parametrize(("break_it", "error"), [(break_tables, VaeGeometryError), (break_network, KeyboardInterrupt)])
def test_a_dump_that_fails_midway_leaves_nothing(tmp_path, checkpoint, images, monkeypatch, break_it, error):
    (tmp_path / "epoch9").mkdir()
    break_it(monkeypatch)
    with pytest.raises(error):
        dump(checkpoint, images, tmp_path / "epoch9/activations")
    assert list((tmp_path / "epoch9").iterdir()) == []


def test_a_dump_on_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk, checkpoint):
    images = np.zeros((500, 1, 32, 32), np.uint8)
    with pytest.raises(
        VaeGeometryError, match=r"activations: cannot be written \(No space left on device\); free some"
    ):
        dump(checkpoint, images, small_disk / "activations")
    assert list(small_disk.iterdir()) == []


def test_a_dump_that_fails_midway_leaves_an_older_one_whole(tmp_path, checkpoint, images, monkeypatch):
    before = dumped(checkpoint, images, tmp_path / "dump")
    break_network(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        dump(checkpoint, images[::-1].copy(), tmp_path / "dump")
    assert all(np.array_equal(a, b) for a, b in zip(before, layers(tmp_path / "dump"), strict=True))


def test_a_new_dump_takes_the_place_of_an_older_one(tmp_path, checkpoint, images):
    dumped(checkpoint, images, tmp_path / "dump")
    assert len(dumped(checkpoint, images[:7], tmp_path / "dump")[0]) == 7


def test_reconstructions_are_the_first_images_beside_their_outputs(tmp_path, checkpoint, images):
    arrays = reconstructed(checkpoint, images, tmp_path / "dump", tmp_path / "reconstructions.npz")
    assert arrays["images"].shape == arrays["reconstructions"].shape == (10, 1, 32, 32)
    assert np.allclose(arrays["images"], images[:10] / 255)
    outputs = layers(tmp_path / "dump")[10][:10].reshape(10, 1, 32, 32)
    assert np.array_equal(arrays["reconstructions"], outputs)


def test_samples_decode_the_same_draws_from_the_prior_at_every_epoch(tmp_path, checkpoint, images):
    again = checkpoint_of(tmp_path, "again", epoch=8)
    other = checkpoint_of(tmp_path, "other", seed=1)
    samples = {
        path: reconstructed(path, images, tmp_path / "dump", tmp_path / f"{path.stem}.npz")["samples"]
        for path in (checkpoint, again, other)
    }
    assert samples[checkpoint].shape == (10, 1, 32, 32)
    assert samples[checkpoint].std(axis=0).max() > 1e-3
    assert np.array_equal(samples[checkpoint], samples[again])
    assert not np.array_equal(samples[checkpoint], samples[other])
    model, _ = load_checkpoint(checkpoint)
    with torch.no_grad():
        expected = torch.sigmoid(model.decode(torch.randn(N, 3, generator=generator(RUN, "samples"))))
    np.testing.assert_allclose(samples[checkpoint], expected[:10], rtol=1e-5)
    dumped_samples = np.load(tmp_path / "dump/samples.npy")  # of the checkpoint dumped last
    np.testing.assert_array_equal(dumped_samples[:10].reshape(10, 1, 32, 32), samples[other])
    assert dumped_samples.shape == (N, 1024)


def test_reconstructions_make_the_folder_that_they_go_to(tmp_path, checkpoint, images):
    path = tmp_path / "new folder/reconstructions.npz"
    reconstructed(checkpoint, images, tmp_path / "dump", path)
    assert path.exists()
