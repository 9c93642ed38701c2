"""What the command line prints, and where it cannot."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import vae_geometry
from vae_geometry import VaeGeometryError
from vae_geometry.cli import lacks_memory, main
from vae_geometry.files import with_ending

SOURCE = Path(vae_geometry.__file__).parents[1]
PUBLISHED = SOURCE.parent / "resources/published"
CLAIMS = [sys.executable, "-m", "vae_geometry", "check-claims", "--published", str(PUBLISHED)]
SCRIPT = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())["project"]["scripts"]["vae-geometry"]
ENTRY = "from {} import {}; sys.exit({}())".format(
    *SCRIPT.split(":"), SCRIPT.split(":")[1]
)  # as an installer writes it
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def test_a_reader_that_has_read_enough_ends_the_stage_without_a_word():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(CLAIMS, env=ENVIRONMENT, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_output_to_a_full_disk_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(CLAIMS, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "vae-geometry check-claims: the output cannot be written (No space left on device); "
        "free some space and start again\n"
    )


def test_a_locale_without_our_signs_escapes_them():
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(CLAIMS, env={**ENVIRONMENT, **plain}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert r"1.003 \xb1 0.0" in done.stdout


@pytest.mark.parametrize(
    "network",
    [
        ("--bottleneck", "2147483647", "--options", '{"channels": [4, 4, 6, 6]}'),
        ("--bottleneck", "2", "--options", json.dumps({"channels": [2147483647] * 4})),
    ],
    ids=["a bottleneck", "channels"],
)
def test_a_network_too_large_for_the_machine_is_one_sentence(digits, tmp_path, capsys, network):
    capsys.readouterr()
    assert main(["initialise", "--data", str(digits / "train.npz"), "--output", str(tmp_path / "0"), *network]) == 1
    assert capsys.readouterr().err == (
        "vae-geometry initialise: memory ran out; use fewer points or smaller batches, or a machine with more memory\n"
    )
    assert not list(tmp_path.iterdir())


def test_other_errors_do_not_pass_for_a_lack_of_memory():
    assert lacks_memory(MemoryError())
    assert lacks_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert not lacks_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not lacks_memory(FileNotFoundError(2, "No such file or directory", "a"))


@pytest.mark.parametrize("folder", [".", "..", "/"])
@pytest.mark.parametrize("stage", [["plot", "figure1"], ["check-claims"]], ids=["plot", "check-claims"])
def test_a_folder_is_no_name_for_what_is_written(sweep, capsys, stage, folder):
    chosen = ["--dataset", "digits", "--noise", "fresh", "--bottleneck", "2", "3", "--seed", "0", "--epoch", "0", "2"]
    results = ["--results", str(sweep.selection.results)]
    assert main([*stage, *results, *chosen, "--output", folder]) == 1
    assert capsys.readouterr().err.endswith(f"{folder}: is a folder; name what to write in it, without an ending\n")


def test_an_ending_is_added_to_any_name():
    assert with_ending(Path("a/figure1.5"), ".png") == Path("a/figure1.5.png")
    with pytest.raises(VaeGeometryError, match="is a folder"):
        with_ending(Path(".."), ".png")


def test_a_line_break_in_the_name_of_a_file_is_no_second_line(tmp_path, capsys):
    assert main(["describe", str(tmp_path / "a\nb\tc.safetensors")]) == 1
    assert capsys.readouterr().err == (
        f"vae-geometry describe: {tmp_path}/a\\nb\\tc.safetensors: no such checkpoint; train it first\n"
    )


def test_a_name_of_a_data_set_that_cannot_be_printed_is_refused(digits, tmp_path, capsys):
    output = str(tmp_path / "epoch0.safetensors")
    words = ["initialise", "--data", str(digits / "train.npz"), "--output", output, "--bottleneck", "2"]
    assert main([*words, "--dataset", "two\nlines"]) == 1
    assert capsys.readouterr().err.endswith(r"dataset: 'two\nlines' cannot be printed; choose another name" + "\n")
    assert not list(tmp_path.iterdir())


INTERRUPTED = """
import runpy, sys
interrupted = sys.argv[1]
class Interrupt:
    def find_spec(self, name, *_):
        if name == interrupted:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["describe", "x"]
"""


@pytest.mark.parametrize("module", ["vae_geometry.cli", "vae_geometry.options", "argparse", "torch"])
@pytest.mark.parametrize("start", ['runpy.run_module("vae_geometry", run_name="__main__")', ENTRY])
def test_ctrl_c_while_modules_are_loaded_is_one_sentence(module, start):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED + start, module], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 130
    assert re.fullmatch(r"vae-geometry( describe)?: interrupted; start again\n", done.stderr)


def test_a_closed_output_is_no_traceback():
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *CLAIMS]
    done = subprocess.run(closed, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert "Traceback" not in done.stderr
