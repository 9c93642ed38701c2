"""Command line: a subcommand for each stage, the ones that the workflow's rules run; made from the stages' options."""

import argparse
import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError, __version__
from vae_geometry.options import Option
from vae_geometry.stages import STAGES

OF_TRAIN = {"PIL", "safetensors", "sklearn", "torch", "torch_fidelity", "torchvision", "tqdm"}  # modules of that extra
WHAT = {int: "a whole number", float: "a number"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Parameters
    ----------
    arguments : sequence of str or None
        As on the command line, which is read where it is None.

    Returns
    -------
    int
        Exit status: 1 with one sentence on stderr where the user can fix what is wrong.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack the letters of a name, and our signs
    options = parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("vae_geometry").setLevel(logging.INFO)
    # before a stage imports torch: threads that wait for each other sleep; by default they spin, and keep shared cores
    # from what they wait for
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        STAGES[options.stage].run(options)
        if sys.stdout is not None:  # closed by >&-
            sys.stdout.flush()
    except VaeGeometryError as error:
        problem, status = str(error), error.exit_status
    except KeyboardInterrupt:
        problem, status = "interrupted; start again", 128 + signal.SIGINT
    except SystemExit as stop:  # in a stage that removed what it had half written
        problem, status = "stopped by SIGTERM; start again", int(stop.code or 0)
    except BrokenPipeError:  # who reads the output has read enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush when Python ends
        return 128 + signal.SIGPIPE
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in OF_TRAIN:
            raise
        problem = f"{error.name} is not installed, which this stage needs; run: pip install 'vae-geometry[train]'"
        status = 1
    except (MemoryError, OSError, RuntimeError) as error:
        if lacks_memory(error):
            problem = "memory ran out; use fewer points or smaller batches, or a machine with more memory"
        elif isinstance(error, OSError) and error.filename is not None:
            problem = f"{error.filename}: {error.strerror}; check the path"
        elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
            problem = "the output cannot be written (No space left on device); free some space and start again"
        else:
            raise
        status = 1
    else:
        return 0
    print(f"vae-geometry {options.stage}: {_in_one_line(problem)}", file=sys.stderr)
    return status


def _in_one_line(problem: str) -> str:
    """A sentence with what cannot be printed escaped: the name of a file may hold a line break."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in problem)


def lacks_memory(error: Exception) -> bool:
    """Whether an exception of Python, NumPy, the system or torch says that memory is short."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    short = ("can't allocate memory", "out of memory", "Storage size calculation overflowed")
    return isinstance(error, MemoryError) or any(words in str(error) for words in short)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    whole = argparse.ArgumentParser(prog="vae-geometry", description="Geometry of the layers of VAEs, stage by stage.")
    whole.add_argument("--version", action="version", version=__version__)
    subparsers = whole.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, stage in STAGES.items():
        part = subparsers.add_parser(name, help=stage.summary, description=stage.summary)
        for option in stage.options:
            _add(part, option)
    return whole


def _add(part: argparse.ArgumentParser, option: Option) -> None:
    required = option.default is MISSING
    default = None if required else list(option.default) if isinstance(option.default, tuple) else option.default
    remarks = [option.unit] if option.unit else []
    if default not in (None, ""):
        remarks.append("default: %(default)s")
    described = f"{option.description} ({'; '.join(remarks)})" if remarks else option.description
    words: dict[str, Any] = {"help": described, "default": default}
    if option.value_type is bool:
        action = argparse.BooleanOptionalAction
        part.add_argument(option.flag, action=action, **words)
        return
    if option.allowed:
        words["choices"] = option.allowed
    elif option.value_type in WHAT:
        words["type"] = _number(option)
    elif option.value_type is Path:
        words["type"] = Path
    if option.is_list:
        words["nargs"] = option.length or "+"
    if option.alone is not None:
        words |= {"nargs": "?", "const": option.alone}
    if option.positional:
        part.add_argument(option.name, **words)
    else:
        part.add_argument(option.flag, required=required, **words)


def _number(option: Option) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value: float = option.value_type(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is not {WHAT[option.value_type]}") from None
        if problem := option.problem(value):
            raise argparse.ArgumentTypeError(problem)
        return value

    return read
