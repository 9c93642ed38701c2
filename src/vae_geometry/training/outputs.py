"""What a training leaves in the folder of its run; only files there that are its own are replaced or removed.

Its own are checkpoints whose config names this run and holds ``trained``, which says what made them; files of the names
that it writes in ``unfinished``; and what it left half written, under hidden names.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError, layout
from vae_geometry.files import atomic_file, finished_name
from vae_geometry.networks.checkpoints import read_config
from vae_geometry.replacing import require_same_run
from vae_geometry.scratch import remove_files
from vae_geometry.training.resume import unfinished_checkpoint

RUN = ("dataset", "noise", "bottleneck", "seed")
CHECKPOINT_FILE = re.compile(r"epoch[1-9][0-9]*\.safetensors")  # that of epoch 0 is of another stage
STATE_FILE = re.compile(r"(\.[0-9a-f]+\.)?(identity\.json|state|epoch[0-9]+\.safetensors)")


def require_own(run_folder: Path, config: dict[str, Any], epochs: Sequence[int]) -> None:
    """Check that a training may write its checkpoints and tables: where there are some, they are of the same run.

    Parameters
    ----------
    run_folder : Path
    config : dict
        Of the run's checkpoint of epoch 0.
    epochs : sequence of int
        Of the checkpoints.

    Raises
    ------
    VaeGeometryError
        If a checkpoint or a table is of another run, was not made by a training, or is damaged.
    """
    run = {name: config[name] for name in RUN}
    for kind, name in {"training": layout.TRAINING_IN_RUN, "timing": layout.TIMING_IN_RUN}.items():
        require_same_run(kind, run_folder / name, run)
    for path in _checkpoints(run_folder, epochs):
        if path.exists() and not _is_of_run(read_config(path), config):
            names = ", ".join(f"{name} {config[name]}" for name in RUN)
            raise VaeGeometryError(f"{path}: is not of a training of {names}; move it away or choose another --output")


def publish(folder: Path, run_folder: Path, config: dict[str, Any], epochs: Sequence[int]) -> None:
    """Copy the checkpoints to where they belong; remove the state, and what earlier trainings of this run left.

    Parameters
    ----------
    folder : Path
        Of the state.
    run_folder, config, epochs
        As for ``require_own``.
    """
    keep = _checkpoints(run_folder, epochs)
    for epoch, checkpoint in zip(epochs, keep, strict=True):
        with atomic_file(checkpoint) as path:
            shutil.copyfile(unfinished_checkpoint(folder, epoch), path)
    for path in [*run_folder.glob("*"), *(run_folder / layout.WEIGHTS_IN_RUN).parent.glob("*")]:
        if _is_half_written(path.name) or (path not in keep and _is_earlier(path, config)):
            path.unlink()
    remove_unfinished(run_folder)


def remove_unfinished(run_folder: Path) -> None:
    """Remove the states of all trainings of a run."""
    remove_files(run_folder / layout.UNFINISHED_IN_RUN, STATE_FILE)


def _checkpoints(run_folder: Path, epochs: Sequence[int]) -> list[Path]:
    return [run_folder / layout.WEIGHTS_IN_RUN.format(epoch=epoch) for epoch in epochs]


def _is_of_run(found: dict[str, Any], config: dict[str, Any]) -> bool:
    return "trained" in found and all(found[name] == config[name] for name in RUN)


def _is_half_written(name: str) -> bool:
    finished = finished_name(name) or ""
    tables = (layout.TRAINING_IN_RUN, layout.TIMING_IN_RUN)
    return finished in tables or CHECKPOINT_FILE.fullmatch(finished) is not None


def _is_earlier(path: Path, config: dict[str, Any]) -> bool:
    """Whether an earlier training of this run, which kept other epochs, wrote a file."""
    try:
        return CHECKPOINT_FILE.fullmatch(path.name) is not None and _is_of_run(read_config(path), config)
    except VaeGeometryError:
        return False
