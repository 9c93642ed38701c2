"""Every option once: name, type, default, unit, description and limits.

The keys of the config are options, see ``config``; stages have options of their own besides. Only the standard library
is imported, as the workflow reads this module too.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Section = TypeVar("Section")
INT32 = 2**31 - 1  # the largest whole number that the tables hold
THREADS = 1024  # more than a node has; OpenMP ends the process where it cannot start as many as it is told


@dataclass(frozen=True)
class Option:
    """A key of the config, an option of the command line, or both.

    Attributes
    ----------
    name : str
        As in the config; the command line has hyphens in place of underscores.
    type : type
        int, float, bool, str, Path, a Literal, a tuple of one of them, or one of them or None.
    default : object
        ``MISSING`` where it must be given.
    description : str
    unit : str
        Empty where there is none.
    minimum, maximum, above, below : float or None
        Limits: the least and the largest value, one that it must exceed, one that it must stay below.
    length : int or None
        Of a tuple.
    power_of_two : bool
    choices : tuple of str
        Where the type cannot name them.
    decides : bool
        Whether results depend on it: a change makes them again.
    common : bool
        Whether all data sets of a sweep have the same value.
    section : str
        Of the config: empty at its top, None where the config has no such key.
    positional : bool
        On the command line.
    alone : object
        Value on the command line where it stands without one; None where it needs one.
    schema : mapping or None
        JSON schema of its values in the config, where its type cannot tell.
    """

    name: str
    type: Any
    default: Any
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    length: int | None = None
    power_of_two: bool = False
    choices: tuple[str, ...] = ()
    decides: bool = True
    common: bool = False
    section: str | None = None
    positional: bool = False
    alone: object = None
    schema: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """Name in the config, with its section."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def is_list(self) -> bool:
        """Whether it takes several values."""
        return get_origin(_without_none(self.type)) is tuple

    @property
    def value_type(self) -> Any:
        """Type of a single value: int, float, bool, str, Path or a Literal."""
        kind = _without_none(self.type)
        return get_args(kind)[0] if self.is_list else kind

    @property
    def largest(self) -> float | None:
        """The largest value; of whole numbers the largest that a table holds, where no other is set."""
        return INT32 if self.maximum is None and self.value_type is int else self.maximum

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values that it takes, where they can be named."""
        return self.choices or (get_args(self.value_type) if get_origin(self.value_type) is Literal else ())

    def problem(self, value: float) -> str | None:
        """What is wrong with a number, or None."""
        if not isfinite(value):
            return f"{value} is not a finite number"
        if self.minimum is not None and value < self.minimum:
            return f"{value} is less than {self.minimum}"
        if self.largest is not None and value > self.largest:
            return f"{value} is more than {self.largest}"
        if self.above is not None and value <= self.above:
            return f"{value} is not more than {self.above}"
        if self.below is not None and value >= self.below:
            return f"{value} is not less than {self.below}"
        if self.power_of_two and int(value) & (int(value) - 1):
            return f"{value} is not a power of two such as 2, 4, ..., 64"
        return None

    @property
    def flag(self) -> str:
        """Name on the command line."""
        return f"--{self.name.replace('_', '-')}"


def _without_none(kind: Any) -> Any:
    """T of T | None, else the type as it is."""
    return next(part for part in get_args(kind) if part is not type(None)) if isinstance(kind, UnionType) else kind


def options_of(section: Any, name: str | None) -> list[Option]:
    """Options of a section of the config, a dataclass; ``name`` is its key, empty for the top of the config."""
    types = get_type_hints(section)
    return [
        Option(name=key.name, type=types[key.name], default=key.default, section=name, **key.metadata)
        for key in fields(section)
        if "description" in key.metadata
    ]


def section_of(section: type[Section], values: Mapping[str, Any]) -> Section:
    """A section filled with the values of its fields, for example those of the command line."""
    return section(**{key.name: values[key.name] for key in fields(section)})  # type: ignore[arg-type]


def arguments(options: Iterable[Option], config: Mapping[str, Any]) -> str:
    """Options of a stage as words of its command line: those that the config sets and the result depends on.

    Parameters
    ----------
    options : iterable of Option
        Of the stage.
    config : mapping
        Of the sweep, with its defaults filled in.
    """
    words: list[str] = []
    for option in options:
        if not option.section or not option.decides:
            continue
        value = config[option.section][option.name]
        if isinstance(value, bool):
            words.append(option.flag if value else option.flag.replace("--", "--no-", 1))
        elif value is not None:
            words += [option.flag, *map(str, value if option.is_list else [value])]
    return shlex.join(words)
