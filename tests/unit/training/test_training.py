import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_training import BATCHES, CPU, RUN, SETTINGS, losses, outputs, record_forward, run, start

from vae_geometry import NOISES, VaeGeometryError
from vae_geometry.data.prepared import load_inputs
from vae_geometry.data.splits import split_images
from vae_geometry.networks import build
from vae_geometry.networks.checkpoints import load_checkpoint, save_checkpoint
from vae_geometry.networks.convolutional import VAE
from vae_geometry.training import loop as training
from vae_geometry.training import run as training_run
from vae_geometry.training.devices import select_device
from vae_geometry.training.loop import train
from vae_geometry.training.random_streams import generator

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_inputs(digits / "train.npz")[:100])


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
    for row in losses(run(tmp_path, images, beta=3.0)):
        for part in ("train", "validation"):
            assert row[f"{part}_elbo"] == pytest.approx(row[f"{part}_reconstruction"] + 3 * row[f"{part}_kl"])


def test_a_larger_beta_lowers_the_kl(tmp_path, images):
    kl = [
        losses(run(tmp_path / str(beta), images, replace(SETTINGS, epochs=8), beta=beta))[-1]["train_kl"]
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
    inputs = (
        split_images(images, settings.images, settings.validation_fraction)[0][
            torch.randperm(48, generator=generator(RUN, "batches", 1))
        ].float()
        / 255
    )
    noise = torch.randn(48, 2, generator=generator(RUN, "latent noise", 1))
    logits, mean, log_variance = model(inputs, noise)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, inputs, reduction="sum")
    (cross_entropy + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()).backward()
    for name, weight in model.named_parameters():
        gradient = weight.grad + 5 * weight
        expected = weight - 1e-3 * gradient / (gradient.abs() + 1e-8)  # Adam's first step, bias corrected
        is_clear = gradient.abs() > 1e-2  # elsewhere rounding decides the sign
        assert torch.allclose(trained[name][is_clear], expected[is_clear], atol=2e-6), name


def test_another_seed_starts_from_other_weights(tmp_path):
    a, b = (load_file(start(tmp_path / str(seed), seed=seed)) for seed in (0, 1))
    assert not torch.equal(a["mean.weight"], b["mean.weight"])


def test_initialising_leaves_torchs_own_generator_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    start(tmp_path)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("noise", NOISES)
def test_the_same_seed_gives_the_same_bytes(tmp_path, images, noise):
    first = outputs(run(tmp_path / "a", images, noise=noise))
    torch.manual_seed(123)
    np.random.default_rng().random()
    assert outputs(run(tmp_path / "b", images, noise=noise)) == first
    assert outputs(run(tmp_path / "c", images, noise=noise, seed=1)) != first


def test_a_loss_that_is_no_number_names_epoch_batch_and_the_last_good_checkpoint(tmp_path, images, monkeypatch):
    forward, steps = VAE.forward, []

    def spoiled(self, inputs, noise):
        steps.append(self.training)
        return forward(self, inputs * float("nan") if sum(steps) == BATCHES + 2 else inputs, noise)

    monkeypatch.setattr(VAE, "forward", spoiled)
    with pytest.raises(
        VaeGeometryError, match="NaN or infinite in epoch 2, batch 2; the last good checkpoint is"
    ) as failed:
        run(tmp_path, images)
    assert load_checkpoint(Path(re.search(r"checkpoint is (\S+);", str(failed.value))[1]))[1]["epoch"] == 1
    assert [row["epoch"] for row in losses(tmp_path)] == [1]


def test_a_training_that_diverges_in_its_first_epoch_has_the_untrained_network_as_last_good_one(tmp_path, images):
    with pytest.raises(
        VaeGeometryError, match=r"NaN or infinite in epoch 1, .*epoch0.safetensors; lower training.learning_"
    ):
        run(tmp_path, images, replace(SETTINGS, learning_rate=1e30))
    assert not (tmp_path / "training.parquet").exists()


def test_weights_that_break_in_the_last_step_leave_no_checkpoint(tmp_path, images):
    """Their own loss is a number yet; that of the validation images is none any more."""
    with pytest.raises(
        VaeGeometryError, match="the validation loss is NaN or infinite after epoch 1; the last good check"
    ):
        run(tmp_path, images, replace(SETTINGS, batch_size=48, learning_rate=1e30))
    assert not list(tmp_path.rglob("epoch1.safetensors"))


def test_the_table_grows_with_every_epoch(tmp_path, images, monkeypatch):
    seen = []
    write = training.tables.write

    def noting(kind, rows, path):
        write(kind, rows, path)
        if kind == "training":
            seen.append([row["epoch"] for row in losses(tmp_path)])

    monkeypatch.setattr(training.tables, "write", noting)
    run(tmp_path, images)
    assert seen == [[1], [1, 2], [1, 2, 3]]


def test_an_epoch_is_logged_with_its_losses_speed_and_time_left(tmp_path, images, caplog):
    caplog.set_level("INFO", logger="vae_geometry")
    run(tmp_path, images)
    lines = [line for line in caplog.messages if line.startswith("epoch")]
    assert len(lines) == 3
    assert re.fullmatch(
        r"epoch 2 of 3: ELBO [\d.]+, validation [\d.]+ \(reconstruction [\d.]+, KL [\d.]+\) nats per input, "
        r"\d+ inputs/s, 0:00:\d\d left",
        lines[1],
    )


def test_bfloat16_trains_to_about_the_same_losses_and_keeps_float32_weights(tmp_path, images):
    settings = replace(SETTINGS, epochs=8, checkpoints=(8,))
    single = losses(run(tmp_path / "a", images, settings))[-1]
    half = losses(run(tmp_path / "b", images, replace(settings, precision="bfloat16")))[-1]
    assert half["train_elbo"] != single["train_elbo"]
    assert half["train_elbo"] == pytest.approx(single["train_elbo"], rel=0.02)
    weights = load_file(tmp_path / "b/checkpoints/epoch8.safetensors")
    assert {str(weight.dtype) for weight in weights.values()} == {"torch.float32", "torch.int64"}


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler, g++")
def test_a_compiled_network_trains_to_the_same_losses(tmp_path, images):
    settings = replace(SETTINGS, epochs=2, checkpoints=(2,), batch_size=48)
    plain = losses(run(tmp_path / "a", images, settings))
    compiled = losses(run(tmp_path / "b", images, replace(settings, compile=True)))
    for row, other in zip(plain, compiled, strict=True):
        assert other["train_elbo"] == pytest.approx(row["train_elbo"], rel=1e-3)
    assert load_checkpoint(tmp_path / "b/checkpoints/epoch2.safetensors")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("noise", NOISES)
def test_a_gpu_gives_the_same_bytes_and_does_not_wait_within_an_epoch(tmp_path, images, noise, monkeypatch):
    device = select_device("cuda", 1, tf32=True)
    draw, check, mode = training.draw_batches, training._check_finite, torch.cuda.set_sync_debug_mode
    monkeypatch.setattr(training, "draw_batches", lambda *given: (draw(*given), mode("error"))[0])
    monkeypatch.setattr(training, "_check_finite", lambda *given: (mode("default"), check(*given)))
    for name in "ab":
        train(images, start(tmp_path / name, noise), tmp_path / name, SETTINGS, 1.0, device)
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epoch": 40}, "is of epoch 40; give the untrained network, that of epoch 0"),
        (
            {"shape": [3, 32, 32]},
            "the network takes inputs of 3x32x32, the data set has 1x32x32; name a network for these data",
        ),
    ],
)
def test_an_initial_network_that_does_not_fit_is_an_error(tmp_path, images, change, sentence):
    _, config = load_checkpoint(start(tmp_path / "good"))
    config |= change
    model = build("convolutional", config["shape"], 2, config["options"])
    save_checkpoint(tmp_path / "odd.safetensors", model, config)
    with pytest.raises(VaeGeometryError, match=f"odd.safetensors: {sentence}"):
        train(images, tmp_path / "odd.safetensors", tmp_path / "run", SETTINGS, 1.0, CPU)
    assert not (tmp_path / "run").exists()


def test_a_network_without_weights_to_train_is_an_error(tmp_path, images, monkeypatch):
    load = training_run.load_checkpoint

    def frozen(*arguments):
        model, config = load(*arguments)
        return model.requires_grad_(False), config

    monkeypatch.setattr(training_run, "load_checkpoint", frozen)
    with pytest.raises(VaeGeometryError, match="none of the network's weights can be trained; let some require"):
        run(tmp_path, images)


def test_checkpoints_of_an_earlier_training_and_half_written_files_go_when_another_ends(tmp_path, images):
    run(tmp_path, images)
    (tmp_path / "checkpoints/.1234.epoch1.safetensors").write_bytes(b"half")
    run(tmp_path, images, replace(SETTINGS, checkpoints=(3,)))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "epoch0.safetensors",
        "epoch3.safetensors",
    ]


def test_a_last_batch_of_one_image_is_left_out(tmp_path, images, monkeypatch):
    steps = record_forward(monkeypatch)
    run(tmp_path, images, replace(SETTINGS, epochs=1, checkpoints=(1,), batch_size=47))
    assert [len(inputs) for inputs, _ in steps] == [47]
