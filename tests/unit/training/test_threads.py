"""How the threads of a training wait for each other, which decides what it costs beside other work, not its bytes."""

import os
import re
import subprocess
import sys

import pytest
from small_training import outputs, start


def train(digits, folder, **variables):
    """Train on two threads in a process of its own; returns how often they look before they sleep, if it says so."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "verbose", **variables}
    command = ["train", "--data", digits / "train.npz", "--initial", start(folder), "--output", folder]
    command += ["--epochs", 1, "--checkpoints", 1, "--threads", 2, "--device", "cpu", "--images", 200]
    words = [sys.executable, "-m", "vae_geometry", *map(str, command)]
    said = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stderr
    return re.search(r"GOMP_SPINCOUNT = '(\w+)'", said)


def test_waiting_threads_sleep_unless_the_user_says_otherwise_and_the_bytes_are_the_same(digits, tmp_path):
    ours, active = tmp_path / "ours", tmp_path / "active"
    looks = [train(digits, ours), train(digits, active, OMP_WAIT_POLICY="ACTIVE")]
    assert outputs(ours) == outputs(active)
    if None in looks:
        pytest.skip("this build of torch has another OpenMP, which does not say how its threads wait")
    assert looks[0][1] == "0" != looks[1][1]
