import fcntl
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from vae_geometry import VaeGeometryError, training
from vae_geometry.datasets import load_images
from vae_geometry.models import VAE, load_checkpoint
from vae_geometry.training import Training, generator, initialise, split_images, train

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
SETTINGS = Training(
    epochs=3,
    checkpoints=(1, 3),
    batch_size=16,
    learning_rate=1e-3,
    weight_decay=1e-4,
    beta=1.0,
    noise="fresh",
    validation_fraction=0.2,
    images=60,
)
BATCHES = 3  # 48 images train, 12 validate
NOISES = ("fresh", "repeated")


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_images(digits / "train.npz")[:100])


def start(folder, noise="fresh", seed=0):
    names = {"dataset": "digits", "noise": noise, "bottleneck": 2, "channels": [4, 4, 6, 6], "image_channels": 1}
    initialise(folder / "checkpoints/epoch0.safetensors", names, seed)
    return folder / "checkpoints/epoch0.safetensors"


def run(folder, images, settings=SETTINGS, seed=0):
    train(images, start(folder, settings.noise, seed), folder, settings, CPU)
    return folder


def losses(folder):
    return pq.read_table(folder / "training.parquet").to_pylist()


def outputs(folder):
    """Bytes of everything that a training leaves, timings apart."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "timing.parquet"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def record_forward(monkeypatch, fail_at=None):
    """List of (images, noise) of every training step; the step ``fail_at`` is cut off like a killed process."""
    steps = []
    forward = VAE.forward

    def recorded(self, images, noise):
        if self.training:
            steps.append((images.clone(), noise.clone()))
            if len(steps) == fail_at:
                raise KeyboardInterrupt
        return forward(self, images, noise)

    monkeypatch.setattr(VAE, "forward", recorded)
    return steps


def are_same(steps, others):
    return all(
        torch.equal(a, b) for step, other in zip(steps, others, strict=True) for a, b in zip(step, other, strict=True)
    )


def test_a_training_leaves_its_checkpoints_and_a_row_an_epoch(tmp_path, images):
    run(tmp_path, images)
    checkpoints = {f"checkpoints/epoch{epoch}.safetensors" for epoch in (0, 1, 3)}
    assert set(outputs(tmp_path)) == {*checkpoints, "training.parquet"}
    assert not (tmp_path / "unfinished").exists()
    rows = losses(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert all(
        (row["dataset"], row["noise"], row["bottleneck"], row["seed"]) == ("digits", "fresh", 2, 0) for row in rows
    )
    assert load_checkpoint(tmp_path / "checkpoints/epoch3.safetensors")[1]["epoch"] == 3


def test_training_lowers_the_loss(tmp_path, images):
    first, *_, last = losses(run(tmp_path, images, replace(SETTINGS, epochs=8)))
    assert last["train_elbo"] < first["train_elbo"] - 20
    assert last["validation_elbo"] < first["validation_elbo"]


def test_losses_are_per_image(tmp_path, images):
    """An untrained network outputs about 1/2 for every pixel: log(2) nats each."""
    row = losses(run(tmp_path, images, replace(SETTINGS, epochs=1, checkpoints=(1,), learning_rate=0.0)))[0]
    assert row["validation_reconstruction"] == pytest.approx(1024 * np.log(2), rel=0.1)


def test_the_elbo_weighs_the_kl_by_beta(tmp_path, images):
    for row in losses(run(tmp_path, images, replace(SETTINGS, beta=3.0))):
        for part in ("train", "validation"):
            assert row[f"{part}_elbo"] == pytest.approx(row[f"{part}_reconstruction"] + 3 * row[f"{part}_kl"])


def test_a_larger_beta_lowers_the_kl(tmp_path, images):
    kl = [
        losses(run(tmp_path / str(beta), images, replace(SETTINGS, epochs=8, beta=beta)))[-1]["train_kl"]
        for beta in (0.1, 10.0)
    ]
    assert kl[1] < kl[0] / 2


def test_the_optimised_loss_is_the_sum_over_the_batch(tmp_path, images):
    """One step of plain Adam by hand, weight decay in the gradient, on the first batch."""
    settings = replace(SETTINGS, epochs=1, checkpoints=(1,), batch_size=48, weight_decay=5.0)
    run(tmp_path, images, settings)
    trained = load_file(tmp_path / "checkpoints/epoch1.safetensors")
    model, _ = load_checkpoint(tmp_path / "checkpoints/epoch0.safetensors")
    model.train()
    inputs = split_images(images, settings)[0][torch.randperm(48, generator=generator(0, "batches"))].float() / 255
    noise = torch.randn(48, 2, generator=generator(0, "latent noise"))
    logits, mean, log_variance = model(inputs, noise)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, inputs, reduction="sum")
    (cross_entropy + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()).backward()
    for name, weight in model.named_parameters():
        gradient = weight.grad + 5 * weight
        expected = weight - 1e-3 * gradient / (gradient.abs() + 1e-8)  # Adam's first step, bias corrected
        is_clear = gradient.abs() > 1e-2  # elsewhere rounding decides the sign
        assert torch.allclose(trained[name][is_clear], expected[is_clear], atol=2e-6), name


def test_both_kinds_of_noise_start_from_the_same_weights(tmp_path):
    fresh, repeated = (load_file(start(tmp_path / noise, noise)) for noise in NOISES)
    assert all(torch.equal(fresh[name], repeated[name]) for name in fresh)


def test_another_seed_starts_from_other_weights(tmp_path):
    a, b = (load_file(start(tmp_path / str(seed), seed=seed)) for seed in (0, 1))
    assert not torch.equal(a["mean.weight"], b["mean.weight"])


def test_initialising_leaves_torchs_own_generator_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    start(tmp_path)
    assert torch.equal(torch.rand(1), expected)


def test_streams_of_random_numbers_differ():
    drawn = {tuple(torch.rand(2, generator=generator(s, name)).tolist()) for s in (0, 1) for name in training.STREAMS}
    assert len(drawn) == 2 * len(training.STREAMS)


def test_repeated_noise_shows_every_epoch_the_same_batches_and_noise(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, replace(SETTINGS, noise="repeated"))
    assert len(steps) == 3 * BATCHES
    assert are_same(steps[:BATCHES], steps[BATCHES : 2 * BATCHES])
    assert are_same(steps[:BATCHES], steps[2 * BATCHES :])


def test_fresh_noise_shows_every_epoch_other_batches_and_noise(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images)
    for later in (steps[BATCHES : 2 * BATCHES], steps[2 * BATCHES :]):
        for (inputs, noise), (other_inputs, other_noise) in zip(steps[:BATCHES], later, strict=True):
            assert not torch.equal(inputs, other_inputs)
            assert not torch.equal(noise, other_noise)
    first, second = (torch.cat([inputs for inputs, _ in part]).flatten(1) for part in (steps[:3], steps[3:6]))
    assert torch.equal(first.sum(1).sort()[0], second.sum(1).sort()[0])  # the same images, in another order


def test_the_kinds_of_noise_agree_in_the_first_epoch_and_part_in_the_second(tmp_path, images):
    folders = {
        noise: run(tmp_path / noise, images, replace(SETTINGS, noise=noise, checkpoints=(1, 2))) for noise in NOISES
    }
    for epoch, is_equal in {1: True, 2: False}.items():
        fresh, repeated = (load_file(folders[noise] / f"checkpoints/epoch{epoch}.safetensors") for noise in NOISES)
        assert all(torch.equal(fresh[name], repeated[name]) for name in fresh) == is_equal
    first, second, _ = zip(*(losses(folder) for folder in folders.values()), strict=True)
    assert first[0]["train_elbo"] == first[1]["train_elbo"]
    assert second[0]["train_elbo"] != second[1]["train_elbo"]


@pytest.mark.parametrize("noise", NOISES)
def test_the_same_seed_gives_the_same_bytes(tmp_path, images, noise):
    settings = replace(SETTINGS, noise=noise)
    first = outputs(run(tmp_path / "a", images, settings))
    torch.manual_seed(123)
    np.random.default_rng().random()
    assert outputs(run(tmp_path / "b", images, settings)) == first
    assert outputs(run(tmp_path / "c", images, settings, seed=1)) != first


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("step", [2, 2 * BATCHES + 2], ids=["in the first epoch", "in the third epoch"])
def test_a_training_that_was_killed_ends_as_one_that_was_not(tmp_path, images, monkeypatch, noise, step):
    settings = replace(SETTINGS, noise=noise)
    expected = outputs(run(tmp_path / "whole", images, settings))
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=step)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "killed", images, settings)
    assert not (tmp_path / "killed/training.parquet").exists()
    steps = record_forward(monkeypatch)
    assert outputs(run(tmp_path / "killed", images, settings)) == expected
    assert len(steps) == 3 * BATCHES - (step - 1) // BATCHES * BATCHES  # finished epochs are not trained again


@pytest.mark.parametrize(
    "other", [{"learning_rate": 2e-3}, {"beta": 2.0}, {"images": 50}, {"noise": "repeated"}, {"checkpoints": (2, 3)}]
)
def test_the_state_of_another_configuration_is_ignored(tmp_path, images, monkeypatch, other):
    settings = replace(SETTINGS, **other)
    expected = outputs(run(tmp_path / "whole", images, settings))
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=2 * BATCHES + 2)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "other", images)
    assert outputs(run(tmp_path / "other", images, settings)) == expected


def test_the_state_of_another_seed_is_ignored(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images, seed=1))
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=2 * BATCHES + 2)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "other", images)
    assert outputs(run(tmp_path / "other", images, seed=1)) == expected


def test_a_loss_that_is_no_number_is_an_error_and_leaves_no_table(tmp_path, images):
    with pytest.raises(VaeGeometryError, match=r"the loss is no number after epoch 1; lower training.learning_rate"):
        run(tmp_path, images, replace(SETTINGS, learning_rate=1e30))
    assert set(outputs(tmp_path)) == {"checkpoints/epoch0.safetensors", "unfinished/lock"}


def test_two_trainings_do_not_write_into_one_folder(tmp_path, images):
    (tmp_path / "unfinished").mkdir()
    with (tmp_path / "unfinished/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(VaeGeometryError, match="another training writes here"):
            run(tmp_path, images)
    assert (run(tmp_path, images) / "training.parquet").exists()


def test_more_images_than_the_data_set_has_is_an_error(images):
    with pytest.raises(VaeGeometryError, match=r"training.images: 101 images are asked for, the data set has 100"):
        split_images(images, replace(SETTINGS, images=101))


@pytest.mark.parametrize(("count", "fraction"), [(2, 0.5), (10, 0.0), (10, 1.0), (1, 0.2)])
def test_too_few_images_are_an_error(images, count, fraction):
    with pytest.raises(VaeGeometryError, match="too few"):
        split_images(images, replace(SETTINGS, images=count, validation_fraction=fraction))


def test_a_fifth_of_the_images_is_held_back():
    numbered = torch.arange(100, dtype=torch.uint8)[:, None, None, None]
    train_images, validation = split_images(numbered, replace(SETTINGS, images=None))
    assert len(validation) == 20
    assert sorted(torch.cat([train_images, validation]).flatten().tolist()) == list(range(100))
    assert validation.flatten().tolist() != list(range(20))


def test_a_last_batch_of_one_image_is_left_out(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, replace(SETTINGS, epochs=1, checkpoints=(1,), batch_size=47))
    assert [len(inputs) for inputs, _ in steps] == [47]
