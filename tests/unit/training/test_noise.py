"""What each kind of noise repeats: batches, latent noise, both or neither."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from small_training import BATCHES, RUN, SETTINGS, losses, record_forward, run, start

from vae_geometry import NOISES
from vae_geometry.data.prepared import load_inputs
from vae_geometry.training.random_streams import STREAMS, generator

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_inputs(digits / "train.npz")[:100])


def are_same(steps, others):
    return all(
        torch.equal(a, b) for step, other in zip(steps, others, strict=True) for a, b in zip(step, other, strict=True)
    )


def test_all_kinds_of_noise_start_from_the_same_weights(tmp_path):
    fresh, *others = (load_file(start(tmp_path / noise, noise)) for noise in NOISES)
    assert all(torch.equal(fresh[name], other[name]) for other in others for name in fresh)


def test_every_stream_data_set_bottleneck_seed_and_epoch_has_its_own_numbers():
    others = [{}, {"seed": 1}, {"bottleneck": 3}, {"dataset": "mnist"}]
    drawn = {
        tuple(torch.rand(2, generator=generator({**RUN, **other}, stream, epoch)).tolist())
        for other in others
        for stream in STREAMS
        for epoch in (0, 1)
    }
    assert len(drawn) == len(others) * len(STREAMS) * 2


def test_the_streams_do_not_depend_on_the_kind_of_noise():
    drawn = [torch.rand(2, generator=generator({**RUN, "noise": noise}, "batches")).tolist() for noise in NOISES]
    assert all(numbers == drawn[0] for numbers in drawn)


def test_repeated_noise_shows_every_epoch_the_same_batches_and_noise(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, noise="repeated")
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


def of_images(steps):
    """Latent noise of each image of an epoch, images named by their pixels' sum."""
    pairs = [
        (image.sum().item(), tuple(eps.tolist()))
        for inputs, noise in steps
        for image, eps in zip(inputs, noise, strict=True)
    ]
    return dict(pairs)


def test_repeated_batches_bring_new_noise(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, noise="repeated_batches")
    for (inputs, noise), (later_inputs, later_noise) in zip(steps[:BATCHES], steps[BATCHES : 2 * BATCHES], strict=True):
        assert torch.equal(inputs, later_inputs)
        assert not torch.equal(noise, later_noise)


def test_repeated_eps_stays_with_its_image_in_new_batches(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, noise="repeated_eps")
    first, second, third = (steps[start : start + BATCHES] for start in (0, BATCHES, 2 * BATCHES))
    assert not torch.equal(first[0][0], second[0][0])
    assert of_images(first) == of_images(second) == of_images(third)
    assert len(of_images(first)) == 48


def test_the_kinds_of_noise_agree_in_the_first_epoch_and_part_in_the_second(tmp_path, images):
    folders = {
        noise: run(tmp_path / noise, images, replace(SETTINGS, checkpoints=(1, 2)), noise=noise) for noise in NOISES
    }
    for epoch, n_different in {1: 1, 2: len(NOISES)}.items():
        weights = [load_file(folders[noise] / f"checkpoints/epoch{epoch}.safetensors") for noise in NOISES]
        assert len({network["mean.weight"].numpy().tobytes() for network in weights}) == n_different
    first, second, _ = zip(*(losses(folder) for folder in folders.values()), strict=True)
    assert len({row["train_elbo"] for row in first}) == 1
    assert len({row["train_elbo"] for row in second}) == len(NOISES)
