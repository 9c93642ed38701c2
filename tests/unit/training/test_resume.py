"""A training that is killed, stopped or disturbed ends in the same bytes, and says in a sentence what it met."""

import os
import signal
import threading
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from small_training import BATCHES, LOCK, SETTINGS, outputs, record_forward, run

from vae_geometry import NOISES, VaeGeometryError
from vae_geometry.data.prepared import load_inputs
from vae_geometry.training import resume
from vae_geometry.training.adam import Adam

pytestmark = pytest.mark.usefixtures("one_thread")
EVERY_BATCH = 1e-9  # minutes


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_inputs(digits / "train.npz")[:100])


def killed_run(folder, images, monkeypatch, settings=SETTINGS, step=2 * BATCHES + 2, **other):
    """Train until the step, which is cut off; the state was saved at the batch before."""
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=step)
        with pytest.raises(KeyboardInterrupt):
            run(folder, images, replace(settings, resume_minutes=EVERY_BATCH), **other)
    return folder


def state_of(folder):
    (state,) = folder.glob("unfinished/*/state")
    return state


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("step", [2, BATCHES + 1, 2 * BATCHES + 2], ids=["early", "between epochs", "late"])
def test_a_training_that_was_killed_resumes_at_the_next_batch(tmp_path, images, monkeypatch, noise, step):
    whole = record_forward(monkeypatch)
    expected = outputs(run(tmp_path / "whole", images, noise=noise))
    killed_run(tmp_path / "killed", images, monkeypatch, step=step, noise=noise)
    steps = record_forward(monkeypatch)
    assert outputs(run(tmp_path / "killed", images, noise=noise)) == expected
    assert len(steps) == 3 * BATCHES - (step - 1)
    assert torch.equal(steps[0][1], whole[step - 1][1])  # the noise that this batch would have had


def test_a_training_that_is_killed_while_it_finishes_trains_nothing_again(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images))
    for attempt, culprit in enumerate(("shutil.copyfile", "remove_files")):
        folder = tmp_path / str(attempt)
        with monkeypatch.context() as patch:
            patch.setattr(f"vae_geometry.training.outputs.{culprit}", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run(folder, images, replace(SETTINGS, resume_minutes=EVERY_BATCH))
        with monkeypatch.context() as patch:
            steps = record_forward(patch)
            assert outputs(run(folder, images)) == expected
        assert not steps


def remove_tables(folder):
    """Remove the losses of the epochs that have ended: those of another run are not replaced."""
    for path in folder.glob("*.parquet"):
        path.unlink()


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"settings": replace(SETTINGS, learning_rate=2e-3)}, "training.learning_rate: 0.001, here 0.002"),
        ({"settings": replace(SETTINGS, images=50)}, "training.images: 60, here 50"),
        ({"settings": replace(SETTINGS, checkpoints=(2, 3))}, "training.checkpoints: [1, 3], here [2, 3]"),
        ({"settings": replace(SETTINGS, precision="bfloat16")}, "training.precision: float32, here bfloat16"),
        ({"settings": replace(SETTINGS, threads=2)}, "training.threads: 1, here 2"),
        ({"beta": 2.0}, "beta: 1.0, here 2.0"),
        ({"noise": "repeated"}, "initial_sha256: "),
    ],
)
def test_the_state_of_another_configuration_is_named_not_used_and_kept(
    tmp_path, images, monkeypatch, caplog, other, named
):
    expected = outputs(run(tmp_path / "whole", images))
    folder = killed_run(tmp_path / "run", images, monkeypatch)
    remove_tables(folder)
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=BATCHES)
        with pytest.raises(KeyboardInterrupt):
            run(folder, images, **other)
    assert named in caplog.text
    with monkeypatch.context() as patch:  # back to the first: it resumes where it was
        steps = record_forward(patch)
        assert outputs(run(folder, images)) == expected
        assert len(steps) == 3 * BATCHES - (2 * BATCHES + 1)


def test_the_state_of_other_images_or_another_seed_is_not_used(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images, seed=1))
    remove_tables(killed_run(tmp_path / "seed", images, monkeypatch))
    assert outputs(run(tmp_path / "seed", images, seed=1)) == expected
    changed = images.clone()
    changed[0, 0, 0, 0] += 1
    expected = outputs(run(tmp_path / "changed", changed))
    killed_run(tmp_path / "images", images, monkeypatch)
    assert outputs(run(tmp_path / "images", changed)) == expected


def torn(content):
    yield "empty", b""
    yield "cut off", content[:-100]
    yield "only the digest", content[:32]
    yield "a changed byte", content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def test_a_torn_state_is_named_and_the_training_starts_again(tmp_path, images, monkeypatch, caplog):
    expected = outputs(run(tmp_path / "whole", images))
    state = state_of(killed_run(tmp_path / "run", images, monkeypatch))
    content = state.read_bytes()
    for name, damaged in torn(content):
        state.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run/training.parquet").unlink()  # as Snakemake does with what a failed job leaves
        state.write_bytes(damaged)
        caplog.clear()
        with monkeypatch.context() as patch:
            steps = record_forward(patch)
            assert outputs(run(tmp_path / "run", images)) == expected, name
        assert len(steps) == 3 * BATCHES, name
        assert f"{state}: is damaged and is not used; the training starts again" in caplog.messages, name


def test_the_state_of_another_run_that_was_copied_here_is_named_and_not_used(tmp_path, images, monkeypatch, caplog):
    expected = outputs(run(tmp_path / "whole", images))
    foreign = state_of(killed_run(tmp_path / "foreign", images, monkeypatch, seed=1))
    state = state_of(killed_run(tmp_path / "run", images, monkeypatch))
    state.write_bytes(foreign.read_bytes())
    assert outputs(run(tmp_path / "run", images)) == expected
    assert f"{state}: belongs to another training and is not used; the training starts again" in caplog.messages


@pytest.mark.parametrize("damage", [None, b"half"])
def test_a_state_without_its_checkpoints_is_not_used(tmp_path, images, monkeypatch, caplog, damage):
    expected = outputs(run(tmp_path / "whole", images))
    state = state_of(killed_run(tmp_path / "run", images, monkeypatch))
    checkpoint = state.parent / "epoch1.safetensors"
    if damage is None:
        checkpoint.unlink()
    else:
        checkpoint.write_bytes(damage)
    assert outputs(run(tmp_path / "run", images)) == expected
    assert f"{checkpoint}: is damaged or gone; the training starts again" in caplog.messages


def test_two_trainings_do_not_write_into_one_folder(tmp_path, images):
    """SIGTERM ends the waiting of the second."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with (
        FileLock(tmp_path / LOCK),
        pytest.raises(VaeGeometryError, match="stopped by SIGTERM while waiting for another training; start it ag"),
    ):
        run(tmp_path, images)
    assert not (tmp_path / "training.parquet").exists()
    assert (run(tmp_path, images) / "training.parquet").exists()


def test_a_training_that_has_ended_is_not_run_again(tmp_path, images, monkeypatch, caplog):
    caplog.set_level("INFO", logger="vae_geometry")
    expected = outputs(run(tmp_path, images))
    steps = record_forward(monkeypatch)
    assert outputs(run(tmp_path, images)) == expected
    assert not steps
    assert f"{tmp_path}: this training has ended already" in caplog.messages
    (tmp_path / "checkpoints/epoch1.safetensors").unlink()
    assert outputs(run(tmp_path, images)) == expected
    run(tmp_path, images, beta=2.0)
    assert len(steps) == 2 * 3 * BATCHES


def test_a_file_system_without_locks_gets_a_warning(tmp_path, images, monkeypatch, caplog):
    def refuse(self, *_arguments, **_options):
        raise NotImplementedError

    monkeypatch.setattr(resume.FileLock, "acquire", refuse)
    run(tmp_path, images)
    assert "cannot be locked on this file system" in caplog.text


def test_sigterm_saves_at_the_next_batch_and_asks_to_start_again(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images))
    steps = []
    zero = Adam.zero_grad

    def stopped(self, *arguments):
        steps.append(1)
        if len(steps) == BATCHES + 2:
            signal.raise_signal(signal.SIGTERM)
        zero(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Adam, "zero_grad", stopped)
        with pytest.raises(VaeGeometryError, match="stopped by SIGTERM in epoch 2 of 3; start it again") as stop:
            run(tmp_path / "run", images)
    assert stop.value.exit_status == 128 + signal.SIGTERM
    assert len(steps) == BATCHES + 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    rest = record_forward(monkeypatch)
    assert outputs(run(tmp_path / "run", images)) == expected
    assert len(rest) == 3 * BATCHES - len(steps)
