"""A training by the command line, in a process of its own: killed, started twice, on full and read-only disks."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file
from small_training import LOCK, outputs, start

from vae_geometry.cli import main


class Command:
    """A training by the command line in a process of its own, a few seconds long."""

    def __init__(self, digits, folder, epochs=30):
        self.folder = folder
        initial = start(folder)
        self.arguments = [*("train", "--data", digits / "train.npz", "--initial", initial, "--output", folder)]
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
    assert any("resumes after" in log for log in logs), (seed, logs)


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


def test_a_folder_that_becomes_read_only_is_one_sentence_and_the_training_resumes_later(
    small_disk, tmp_path, digits, capsys
):
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
