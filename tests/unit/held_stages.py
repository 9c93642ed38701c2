"""Stages in processes of their own that stop midway, for tests that kill them there."""

import os
import subprocess
import sys
import time
from pathlib import Path

import vae_geometry

SOURCE = Path(vae_geometry.__file__).parents[1]
HOLD = """
import importlib, sys, time
from vae_geometry.cli import main
module, _, name = sys.argv[1].rpartition(".")
def hold(*arguments, **options):
    open(sys.argv[2], "w").close()
    time.sleep(600)
setattr(importlib.import_module(module), name, hold)
sys.exit(main(sys.argv[3:]))
"""


def start_held(function, reached, *arguments, **environment):
    """Run a stage by the command line up to its first call of a function, and return the process.

    Parameters
    ----------
    function : str
        Where it stops, with its module; the file ``reached`` then exists.
    reached : Path
    *arguments
        Of the command line.
    **environment
        Variables that differ from this process's.
    """
    command = [sys.executable, "-c", HOLD, function, reached, *arguments]
    variables = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    process = subprocess.Popen([str(word) for word in command], env=variables, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not reached.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process
