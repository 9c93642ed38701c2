"""Where networks run: CPU or GPU, and which of several GPUs."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from vae_geometry import VaeGeometryError

_leases: list[FileLock] = []  # held until the process ends


def select_device(name: str, threads: int, deterministic: bool = True, tf32: bool = False) -> torch.device:
    """Set torch up and return the device; of several GPUs, one that fewest processes of this package use.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}
        ``auto`` takes CUDA where there is one.
    threads : int
        CPU threads; another number may change the last digits.
    deterministic : bool
        Results that repeat to the last digit, also on a GPU, where that costs time.
    tf32 : bool
        Let a GPU multiply float32 with 10 bits of mantissa: enough to train, too few to tell nearest neighbours.

    Raises
    ------
    VaeGeometryError
        If ``cuda`` is requested and absent.
    """
    has_gpu = torch.cuda.is_available()
    if name == "cuda" and not has_gpu:
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise VaeGeometryError(
            f"device: cuda is requested, but torch {torch.__version__} ({built}) finds no GPU; "
            "use the device auto or cpu, or look at the driver with nvidia-smi"
        )
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    # as use_deterministic_algorithms, which imports the compiler: more seconds than torch itself
    torch.set_deterministic_debug_mode("error" if deterministic else "default")
    # costs a pass over every new tensor; torch makes this attribute in a way that mypy does not see
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    if name == "cpu" or not has_gpu:
        return torch.device("cpu")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")  # set by SLURM; torch counts what it names from 0
    names = [part.strip() for part in visible.split(",") if part.strip()] or range(torch.cuda.device_count())
    return torch.device("cuda", lease_gpu([str(part) for part in names][: torch.cuda.device_count()]))


def lease_gpu(names: Sequence[str], folder: Path | None = None) -> int:
    """Take, until this process ends, a GPU that fewest processes have taken.

    Parameters
    ----------
    names : sequence of str
        What the machine calls its GPUs, so that processes that see different ones agree.
    folder : Path or None
        For the lock files: one of this user in the machine's temporary folder where it is None.

    Returns
    -------
    int
        Index into ``names``.
    """
    folder = folder or Path(tempfile.gettempdir(), f"vae-geometry-gpus-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    place = 0
    while True:
        for index, name in enumerate(names):
            lock = FileLock(folder / f"{name.replace('/', '_')}.{place}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            _leases.append(lock)
            return index
        place += 1
