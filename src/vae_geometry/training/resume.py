"""What a training that was killed resumes from, and that no two trainings write into one folder.

The state lies in ``{run}/unfinished/{key}/``, outside the outputs that a workflow declares and therefore removes when
a job fails. The key stands for all that decides the bytes of the result: the state of another configuration stays
where it is until one of them is finished.
"""

import errno
import hashlib
import io
import json
import logging
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from vae_geometry import VaeGeometryError, layout
from vae_geometry.files import atomic_file, cannot_write
from vae_geometry.networks.checkpoints import flat

logger = logging.getLogger(__name__)

DIGEST = hashlib.sha256().digest_size


@contextmanager
def only_writer(run_folder: Path, received: list[signal.Signals]) -> Iterator[None]:
    """Hold the lock of a run, after waiting for whoever holds it; the system frees it when a process ends.

    Raises
    ------
    VaeGeometryError
        If the folder cannot be written to, or a signal is received while waiting.
    """
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run_folder / layout.LOCK_IN_RUN)
        _acquire(lock, run_folder, received)
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENOLCK:
            raise VaeGeometryError(cannot_write(run_folder, error)) from None
        logger.warning("%s: cannot be locked on this file system; do not start a second training here", run_folder)
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, run_folder: Path, received: list[signal.Signals]) -> None:
    try:
        lock.acquire(blocking=False)
        return
    except Timeout:
        logger.warning("%s: another training writes here; this one waits for it", run_folder)
    while not received:
        try:
            lock.acquire(timeout=1)
            return
        except Timeout:
            continue
    raise stopped(run_folder, received[0])


def stopped(
    run_folder: Path, received: signal.Signals, where: str = "while waiting for another training"
) -> VaeGeometryError:
    """The error of a training that a signal asks to stop: exit status 128 + signal, as shells have it."""
    sentence = f"{run_folder}: stopped by {received.name} {where}; start it again to resume"
    return VaeGeometryError(sentence, exit_status=128 + received)


@contextmanager
def stop_signals() -> Iterator[list[signal.Signals]]:
    """Collect SIGTERM (SLURM's warning before the kill) and SIGINT instead of dying of them."""
    received: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():  # Python lets no other thread handle signals
        yield received
        return
    handled = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda n, _frame: received.append(signal.Signals(n))) for number in handled]
    try:
        yield received
    finally:
        for number, handler in zip(handled, before, strict=True):
            signal.signal(number, handler)


def state_folder(run_folder: Path, identity: dict) -> Path:
    """Make the folder for the state of a training, and say what differs from those that lie beside it.

    Parameters
    ----------
    run_folder : Path
    identity : dict
        All that decides the bytes of the result, nested, as JSON can hold it.
    """
    text = json.dumps(identity, sort_keys=True, indent=1)
    folder = run_folder / layout.UNFINISHED_IN_RUN / hashlib.sha256(text.encode()).hexdigest()[:16]
    for other in sorted(run_folder.glob(f"{layout.UNFINISHED_IN_RUN}/*/identity.json")):
        if other.parent != folder and (other.parent / "state").exists():
            logger.warning(
                "%s: is of a training with another configuration (%s) and is not used; it stays until this one ends",
                *(other.parent, _difference(other, identity)),
            )
    if not (folder / "identity.json").exists():
        with atomic_file(folder / "identity.json") as path:
            path.write_text(text)
    return folder


def _difference(path: Path, identity: dict) -> str:
    try:
        theirs, ours = flat(json.loads(path.read_text())), flat(identity)
    except (OSError, ValueError, AttributeError):
        return "identity.json cannot be read"
    keys = sorted(key for key in theirs | ours if theirs.get(key) != ours.get(key))
    return ", ".join(f"{key}: {theirs.get(key)}, here {ours.get(key)}" for key in keys)


def unfinished_checkpoint(folder: Path, epoch: int) -> Path:
    """Where a training keeps a checkpoint beside its state until it ends."""
    return folder / Path(layout.WEIGHTS_IN_RUN.format(epoch=epoch)).name


def has_checkpoints(folder: Path, digests: dict[int, str]) -> bool:
    """Whether the checkpoints that a state counts on exist, unchanged; one that does not is logged.

    Parameters
    ----------
    folder : Path
        Of the state.
    digests : dict
        Epoch -> SHA-256 of its checkpoint.
    """
    for epoch, digest in digests.items():
        path = unfinished_checkpoint(folder, epoch)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            logger.warning("%s: is damaged or gone; the training starts again", path)
            return False
    return True


def save_state(folder: Path, state: dict) -> None:
    """Write a state atomically: a digest and what ``torch.save`` makes of it."""
    buffer = io.BytesIO()
    torch.save({**state, "key": folder.name}, buffer)
    content = buffer.getbuffer()
    with atomic_file(folder / "state") as path, path.open("wb") as file:
        file.write(hashlib.sha256(content).digest())  # torch.load does not notice a changed byte
        file.write(content)


def load_state(folder: Path, device: torch.device) -> dict | None:
    """Read a state; None where there is none, or where it is damaged or belongs elsewhere, which is then logged."""
    path = folder / "state"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VaeGeometryError(f"{path}: cannot be read ({error.strerror}); remove it to train again") from None
    if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
        logger.warning("%s: is damaged and is not used; the training starts again", path)
        return None
    try:
        state = torch.load(io.BytesIO(memoryview(content)[DIGEST:]), map_location=device, weights_only=True)
        is_ours = state["key"] == folder.name
    except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError):
        is_ours = False
    if not is_ours:
        logger.warning("%s: belongs to another training and is not used; the training starts again", path)
        return None
    return state
