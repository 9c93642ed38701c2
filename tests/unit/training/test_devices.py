import subprocess
import sys

import pytest
import torch

from vae_geometry import VaeGeometryError
from vae_geometry.training import devices
from vae_geometry.training.devices import lease_gpu, select_device

LEASE = """
import sys, time
from pathlib import Path
from vae_geometry.training.devices import lease_gpu
print(lease_gpu(sys.argv[2:], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lease(tmp_path):
    """Lease a GPU in a process of its own, which holds it; returns the process and the index."""
    processes = []

    def start(*names):
        command = [sys.executable, "-c", LEASE, str(tmp_path), *names]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in processes:
        process.communicate()


def test_processes_spread_over_the_gpus_and_then_share_them(lease):
    assert [lease("0", "1", "2")[1] for _ in range(5)] == [0, 1, 2, 0, 1]


def test_a_gpu_is_free_again_when_its_process_is_killed(lease):
    (_, first), (killed, second) = lease("0", "1"), lease("0", "1")
    assert (first, second) == (0, 1)
    killed.kill()
    killed.wait()
    assert lease("0", "1")[1] == 1


def test_processes_that_see_different_gpus_agree_by_their_names(lease):
    assert lease("2", "3")[1] == 0
    assert lease("3", "2")[1] == 0
    assert lease("2", "3", "4")[1] == 2


def test_visible_gpus_are_obeyed_and_leased(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    leased = []
    monkeypatch.setattr(devices, "lease_gpu", lambda names: leased.append(names) or len(names) - 1)
    for visible in ("5", "4, GPU-8a1f", None):
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert select_device("auto", 1).type == "cuda"
    assert leased == [["5"], ["4", "GPU-8a1f"], ["0", "1"]]
    assert select_device("cpu", 1) == torch.device("cpu")


def test_cuda_is_an_error_where_there_is_none_and_says_what_torch_it_found(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for cuda, built in (("13.0", "built for CUDA 13.0"), (None, "built without CUDA")):
        monkeypatch.setattr(torch.version, "cuda", cuda)
        with pytest.raises(VaeGeometryError) as refused:
            select_device("cuda", 1)
        assert f"torch {torch.__version__} ({built}) finds no GPU; use the device auto or cpu" in str(refused.value)
    assert select_device("auto", 1) == torch.device("cpu")


def test_a_lease_needs_no_folder_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    assert lease_gpu(["0"]) == 0
    assert lease_gpu(["0"]) == 0
    assert len(list(tmp_path.rglob("*.lock"))) == 2
