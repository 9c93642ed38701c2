"""A sweep that was interrupted resumes with the same command."""

import os
import signal
import time

import pytest
import yaml
from small_sweep import CONFIG

EPOCHS = 300


@pytest.fixture
def interruptible():
    """Children that SIGINT stops, even where this process ignores it as a job of the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_same_command_resumes_a_sweep_that_was_interrupted(start_snakemake, snakemake, tmp_path, interruptible):
    training = {**CONFIG["training"], "epochs": EPOCHS, "checkpoints": [0, EPOCHS]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({**CONFIG, "training": training}))
    run = "digits/fresh/k2/seed0"
    words = [f"--configfile={tmp_path / 'sweep.yaml'}", f"results/{run}/checkpoints/epoch{EPOCHS}.safetensors"]
    log = tmp_path / f"logs/{run}/train.log"
    begun = start_snakemake(tmp_path, *words, start_new_session=True)
    while begun.poll() is None and not (log.exists() and "epoch 3 " in log.read_text()):
        time.sleep(0.05)
    os.killpg(begun.pid, signal.SIGINT)  # as Ctrl-C does
    output, _ = begun.communicate()
    assert begun.returncode == 1, output
    resumed = snakemake(tmp_path, *words)
    assert resumed.returncode == 0, resumed.stdout[-3000:]
    assert "resumes after epoch" in log.read_text()
