"""A training that is killed, stopped or disturbed goes on to the same bytes, and says in a sentence what it met."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file
from small_training import BATCHES, LOCK, NOISES, SETTINGS, outputs, record_forward, run, start

from vae_geometry import VaeGeometryError, training, training_state
from vae_geometry.cli import main
from vae_geometry.datasets import load_images

pytestmark = pytest.mark.usefixtures("one_thread")
EVERY_BATCH = 1e-9  # minutes


@pytest.fixture(scope="module")
def images(digits):
    return torch.from_numpy(load_images(digits / "train.npz")[:100])


def killed_run(folder, images, monkeypatch, settings=SETTINGS, seed=0, step=2 * BATCHES + 2):
    """Train until the step, which is cut off; the state was saved at the batch before."""
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=step)
        with pytest.raises(KeyboardInterrupt):
            run(folder, images, settings, seed, EVERY_BATCH)
    return folder


def state_of(folder):
    (state,) = folder.glob("unfinished/*/state")
    return state


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("step", [2, BATCHES + 1, 2 * BATCHES + 2], ids=["early", "between epochs", "late"])
def test_a_training_that_was_killed_goes_on_at_the_next_batch(tmp_path, images, monkeypatch, noise, step):
    settings = replace(SETTINGS, noise=noise)
    whole = record_forward(monkeypatch)
    expected = outputs(run(tmp_path / "whole", images, settings))
    killed_run(tmp_path / "killed", images, monkeypatch, settings, step=step)
    steps = record_forward(monkeypatch)
    assert outputs(run(tmp_path / "killed", images, settings)) == expected
    assert len(steps) == 3 * BATCHES - (step - 1)
    assert torch.equal(steps[0][1], whole[step - 1][1])  # the noise that this batch would have had


def test_a_training_that_is_killed_while_it_finishes_trains_nothing_again(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images))
    for attempt, culprit in enumerate(("copyfile", "rmtree")):
        folder = tmp_path / str(attempt)
        with monkeypatch.context() as patch:
            patch.setattr(training.shutil, culprit, lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run(folder, images, resume_minutes=EVERY_BATCH)
        with monkeypatch.context() as patch:
            steps = record_forward(patch)
            assert outputs(run(folder, images)) == expected
        assert not steps


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": 2e-3},
        {"beta": 2.0},
        {"images": 50},
        {"noise": "repeated"},
        {"checkpoints": (2, 3)},
        {"precision": "bfloat16"},
    ],
)
def test_the_state_of_another_configuration_is_named_not_used_and_kept(tmp_path, images, monkeypatch, caplog, other):
    settings = replace(SETTINGS, **other)
    expected = outputs(run(tmp_path / "whole", images))
    folder = killed_run(tmp_path / "run", images, monkeypatch)
    with monkeypatch.context() as patch:
        record_forward(patch, fail_at=BATCHES)
        with pytest.raises(KeyboardInterrupt):
            run(folder, images, settings)
    (key, value), *_ = other.items()
    shown = list(value) if isinstance(value, tuple) else value
    assert f"training.{key}: " in caplog.text
    assert f", here {shown}" in caplog.text
    with monkeypatch.context() as patch:  # back to the first: it goes on where it was
        steps = record_forward(patch)
        assert outputs(run(folder, images)) == expected
        assert len(steps) == 3 * BATCHES - (2 * BATCHES + 1)


def test_the_state_of_other_images_or_another_seed_is_not_used(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images, seed=1))
    killed_run(tmp_path / "seed", images, monkeypatch)
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


def test_a_torn_state_is_named_and_the_training_starts_anew(tmp_path, images, monkeypatch, caplog):
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
        assert f"{state}: is damaged and is not used; the training starts anew" in caplog.messages, name


def test_the_state_of_another_run_that_was_copied_here_is_named_and_not_used(tmp_path, images, monkeypatch, caplog):
    expected = outputs(run(tmp_path / "whole", images))
    foreign = state_of(killed_run(tmp_path / "foreign", images, monkeypatch, seed=1))
    state = state_of(killed_run(tmp_path / "run", images, monkeypatch))
    state.write_bytes(foreign.read_bytes())
    assert outputs(run(tmp_path / "run", images)) == expected
    assert f"{state}: belongs to another training and is not used; the training starts anew" in caplog.messages


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
    assert f"{checkpoint}: is damaged or gone; the training starts anew" in caplog.messages


def test_two_trainings_do_not_write_into_one_folder(tmp_path, images):
    """SIGTERM ends the waiting of the second."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with FileLock(tmp_path / LOCK), pytest.raises(VaeGeometryError, match="stopped by SIGTERM while waiting; start ag"):
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
    run(tmp_path, images, replace(SETTINGS, beta=2.0))
    assert len(steps) == 2 * 3 * BATCHES


def test_a_file_system_without_locks_gets_a_warning(tmp_path, images, monkeypatch, caplog):
    def refuse(self, *_arguments, **_options):
        raise NotImplementedError

    monkeypatch.setattr(training_state.FileLock, "acquire", refuse)
    run(tmp_path, images)
    assert "cannot be locked on this file system" in caplog.text


class Command:
    """A training by the command line in a process of its own, a few seconds long."""

    def __init__(self, digits, folder, epochs=30):
        self.folder = folder
        initial = start(folder)
        self.arguments = [*("train", "--images", digits / "train.npz", "--initial", initial, "--output", folder)]
        self.arguments += ["--epochs", epochs, "--checkpoints", 1, epochs // 2, epochs, "--batch-size", 32]
        self.arguments += ["--threads", 1, "--device", "cpu", "--resume-minutes", 0.001]

    def popen(self):
        command = [sys.executable, "-m", "vae_geometry", *map(str, self.arguments)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def finish(self):
        process = self.popen()
        _, log = process.communicate()
        assert process.returncode == 0, log
        return log


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """Outputs of a training by the command line that nothing disturbed, seconds to start it, seconds to train."""
    folder = tmp_path_factory.mktemp("whole")
    before = time.monotonic()
    Command(digits, folder).finish()
    seconds = sum(pq.read_table(folder / "timing.parquet")["seconds"].to_pylist())
    return outputs(folder), time.monotonic() - before - seconds, seconds


def test_a_real_training_killed_at_five_random_moments_ends_in_the_same_bytes(tmp_path, digits, whole):
    expected, start_up, seconds = whole
    command = Command(digits, tmp_path)
    seed = random.randrange(1000)
    moments = random.Random(seed)
    logs = []
    for stop in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        process = command.popen()
        time.sleep(start_up + moments.uniform(0, seconds / 5))
        process.send_signal(stop)
        logs.append(process.communicate()[1])
        assert process.returncode in (-stop, 128 + stop, 0), (seed, logs)
        if process.returncode == 128 + stop:
            assert f"vae-geometry train: {tmp_path}: stopped by SIGTERM" in logs[-1].splitlines()[-1]
    logs.append(command.finish())
    assert outputs(tmp_path) == expected, seed
    assert any("goes on after" in log for log in logs), (seed, logs)


def test_sigterm_saves_at_the_next_batch_and_asks_to_start_again(tmp_path, images, monkeypatch):
    expected = outputs(run(tmp_path / "whole", images))
    steps = []
    zero = torch.optim.Adam.zero_grad

    def stopped(self, *arguments):
        steps.append(1)
        if len(steps) == BATCHES + 2:
            signal.raise_signal(signal.SIGTERM)
        zero(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.Adam, "zero_grad", stopped)
        with pytest.raises(VaeGeometryError, match="stopped by SIGTERM in epoch 2 of 3; start again") as stop:
            run(tmp_path / "run", images)
    assert stop.value.exit_status == 128 + signal.SIGTERM
    assert len(steps) == BATCHES + 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    rest = record_forward(monkeypatch)
    assert outputs(run(tmp_path / "run", images)) == expected
    assert len(rest) == 3 * BATCHES - len(steps)


def test_the_same_training_started_twice_at_once_ends_in_one_correct_result(tmp_path, digits, whole):
    command = Command(digits, tmp_path)
    processes = [command.popen() for _ in range(2)]
    logs = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], logs
    (second,) = (log for log in logs if "another training writes here; this one waits for it" in log)
    assert "this training has ended already" in second
    assert "epoch 1 of" not in second
    assert outputs(tmp_path) == whole[0]


def command_line(folder, digits):
    return [str(argument) for argument in Command(digits, folder, epochs=4).arguments]


def test_a_full_disk_is_one_sentence_and_what_was_whole_stays(small_disk, tmp_path, digits, capsys):
    assert main(command_line(tmp_path / "whole", digits)) == 0
    arguments = command_line(small_disk, digits)
    filling = small_disk / "filling"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filling.write_bytes(bytes(free - 60_000))  # room for the state, not for the checkpoints too
    capsys.readouterr()
    assert main(arguments) == 1
    (sentence,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vae-geometry")]
    assert sentence.startswith(f"vae-geometry train: {small_disk}/")
    assert sentence.endswith(": cannot be written (No space left on device); free some space and start again")
    assert not [path for path in small_disk.rglob(".*") if path.name != LOCK]  # nothing half written
    for checkpoint in small_disk.rglob("*.safetensors"):
        assert load_file(checkpoint)
    filling.unlink()
    assert main(arguments) == 0
    assert outputs(small_disk) == outputs(tmp_path / "whole")


def test_a_folder_that_is_read_only_is_one_sentence(small_disk, digits, capsys):
    arguments = command_line(small_disk, digits)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    before = outputs(small_disk)
    assert main(arguments) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1] == (
        f"vae-geometry train: {small_disk}: cannot be written (Read-only file system); make it writable and start again"
    )
    assert outputs(small_disk) == before


def test_a_folder_that_becomes_read_only_is_one_sentence_and_goes_on_later(small_disk, tmp_path, digits, capsys):
    assert main(command_line(tmp_path / "whole", digits)) == 0
    arguments = command_line(small_disk, digits)
    Path(small_disk, "unfinished").mkdir()
    subprocess.run(["mount", "--bind", small_disk / "unfinished", small_disk / "unfinished"], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", small_disk / "unfinished"], check=True)
        assert main(arguments) == 1
    finally:
        subprocess.run(["umount", small_disk / "unfinished"], check=True)
    assert "cannot be written (Read-only file system); make it writable and start again" in capsys.readouterr().err
    assert main(arguments) == 0
    assert outputs(small_disk) == outputs(tmp_path / "whole")
