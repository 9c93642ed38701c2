"""What SIGTERM and SIGKILL leave of a stage that writes a folder, and what the next start removes."""

import os
import re
import signal
import threading

import pytest
from held_stages import start_held

from vae_geometry import VaeGeometryError
from vae_geometry.cli import main
from vae_geometry.scratch import IN_USE, scratch_folder

OWN = re.compile(r"layer[0-9]{2}\.npy")


def dump_arguments(sweep, digits, output):
    checkpoint = sweep.run / "checkpoints/epoch2.safetensors"
    images = ["--data", digits / "test.npz", "--points", 20, "--threads", 1, "--device", "cpu"]
    return [str(word) for word in ["dump-activations", checkpoint, "--output", output, *images]]


def compare_arguments(sweep, digits, output):
    checkpoints = [sweep.selection.results / f"digits/fresh/k{k}/seed0/checkpoints/epoch2.safetensors" for k in (2, 3)]
    images = ["--data", digits / "test.npz", "--points", 20, "--threads", 1, "--device", "cpu"]
    return [str(word) for word in ["compare-bottlenecks", *checkpoints, "--output", output, *images]]


def names(folder):
    return {path.name for path in folder.iterdir()}


def hidden(folder):
    (path,) = [path for path in folder.iterdir() if path.name.startswith(".")]
    return path


def test_sigterm_during_a_dump_removes_what_it_wrote_at_once(sweep, digits, tmp_path):
    folder = tmp_path / "epoch2"
    dump = dump_arguments(sweep, digits, folder / "activations")
    process = start_held("vae_geometry.tables.write", tmp_path / "reached", *dump)
    assert list(hidden(folder).rglob("layer10.npy"))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert log.splitlines()[-1] == "vae-geometry dump-activations: stopped by SIGTERM; start again"
    assert "Traceback" not in log
    assert names(folder) == set()


def test_what_a_killed_dump_left_goes_at_the_next_start_and_only_then(sweep, digits, tmp_path):
    """The folders of a living process, of another output and of a user stay."""
    dump = dump_arguments(sweep, digits, tmp_path / "activations")
    process = start_held("vae_geometry.tables.write", tmp_path / "reached", *dump)
    left = hidden(tmp_path)
    assert main(dump) == 0
    assert list(left.rglob("layer10.npy"))  # it lives
    process.kill()
    process.communicate(timeout=60)
    for other in (".0123abcd.others", ".mine.activations"):
        (tmp_path / other).mkdir()
        (tmp_path / other / IN_USE).touch()
        (tmp_path / other / "layer00.npy").touch()
    (tmp_path / ".0123abcd.activations").mkdir()
    (tmp_path / ".0123abcd.activations/layer00.npy").touch()  # nothing says that a dump made this folder
    before = names(tmp_path)
    assert main(dump) == 0
    assert names(tmp_path) == before - {left.name}
    for other in (".0123abcd.others", ".mine.activations", ".0123abcd.activations"):
        assert (tmp_path / other / "layer00.npy").exists()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_a_comparison_that_was_stopped_leaves_no_dumps(sweep, digits, tmp_path, stop, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    compare = compare_arguments(sweep, digits, tmp_path / "cross.parquet")
    held = "vae_geometry.geometry.cross_bottleneck.find_neighbours"
    process = start_held(held, tmp_path / "reached", *compare, TMPDIR=str(temporary))
    assert list(temporary.rglob("layer10.npy"))
    process.send_signal(stop)
    process.communicate(timeout=60)
    if stop == signal.SIGKILL:
        assert list(temporary.rglob("layer10.npy"))
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        assert main(compare) == 0
    assert not list(temporary.iterdir())


def test_a_folder_that_others_wrote_into_stays_with_their_files(tmp_path, caplog):
    with scratch_folder(tmp_path / "dump", OWN) as folder:
        (folder / "new").mkdir()
        (folder / "new/layer00.npy").touch()
        (folder / "new/notes.txt").write_text("mine")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.txt"]
    assert f"{folder}: holds files that this stage did not write; they stay" in caplog.messages


def test_links_are_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "layer00.npy").touch()
    (tmp_path / "elsewhere" / IN_USE).touch()
    (tmp_path / ".0123abcd.dump").symlink_to(tmp_path / "elsewhere")
    with scratch_folder(tmp_path / "dump", OWN) as folder:
        (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "elsewhere") == {"layer00.npy", IN_USE}


def test_sigterm_outside_is_handled_as_before(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop, scratch_folder(tmp_path / "dump", OWN):
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
    assert names(tmp_path) == set()


def test_a_second_sigterm_does_not_stop_the_cleaning_up(tmp_path, monkeypatch):
    received = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    rmdir = type(tmp_path).rmdir

    def interrupted(path):
        signal.raise_signal(signal.SIGTERM)
        rmdir(path)

    def stopped():
        with scratch_folder(tmp_path / "dump", OWN) as folder:
            (folder / "layer00.npy").touch()
            monkeypatch.setattr(type(tmp_path), "rmdir", interrupted)
            signal.raise_signal(signal.SIGTERM)

    try:
        with pytest.raises(SystemExit):
            stopped()
        assert names(tmp_path) == set()
        assert received == [signal.SIGTERM]  # who waited for it gets it afterwards
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_may_write_a_folder_too(tmp_path):
    made = []

    def work():
        with scratch_folder(tmp_path / "dump", OWN) as folder:
            made.append(folder.is_dir())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert made == [True]
    assert names(tmp_path) == set()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VaeGeometryError, match=r"file/dump: cannot be written \(Not a directory\); correct the path"):
        scratch_folder(tmp_path / "file/dump", OWN).__enter__()


def test_a_folder_of_another_user_stays(tmp_path, monkeypatch):
    (tmp_path / ".0123abcd.dump").mkdir()
    (tmp_path / ".0123abcd.dump" / IN_USE).touch()
    (tmp_path / ".0123abcd.dump/layer00.npy").touch()
    with monkeypatch.context() as patch:
        patch.setattr("vae_geometry.scratch.os.getuid", lambda: os.geteuid() + 1)
        with scratch_folder(tmp_path / "dump", OWN):
            pass
        assert names(tmp_path) == {".0123abcd.dump"}
    with scratch_folder(tmp_path / "dump", OWN):
        pass
    assert names(tmp_path) == set()
