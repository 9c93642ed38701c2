"""Trainings that run on this machine."""

from pathlib import Path


def pids_of_trainings(folder: Path) -> list[int]:
    """Processes of ``python -m vae_geometry train`` whose working folder is this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = entry.joinpath("cmdline").read_bytes().split(b"\0")
            if words[2:4] == [b"vae_geometry", b"train"] and entry.joinpath("cwd").resolve() == folder.resolve():
                found.append(int(entry.name))
        except OSError:  # it has ended
            continue
    return found
