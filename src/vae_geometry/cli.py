"""Command line: a subcommand for each stage, the ones that the workflow's rules run; made from the stages' options."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from vae_geometry import VaeGeometryError, __version__
from vae_geometry.options import Option
from vae_geometry.stages import STAGES

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
    options = parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("vae_geometry").setLevel(logging.INFO)
    try:
        STAGES[options.stage].run(options)
    except VaeGeometryError as error:
        print(f"vae-geometry {options.stage}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"vae-geometry {options.stage}: interrupted; start again", file=sys.stderr)
        return 130
    except SystemExit as stop:  # in a stage that removed what it had half written
        print(f"vae-geometry {options.stage}: stopped by SIGTERM; start again", file=sys.stderr)
        return int(stop.code or 0)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"vae-geometry {options.stage}: {error.filename}: {error.strerror}; check the path", file=sys.stderr)
        return 1
    return 0


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
