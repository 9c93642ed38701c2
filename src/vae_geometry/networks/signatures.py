"""Where the source of an architecture lies and which options it takes, read without running it.

Only the standard library is imported, as the workflow reads this module too.
"""

import ast
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vae_geometry import VaeGeometryError

FOLDER = Path(__file__).parent
FUNCTION = "build"  # of the architectures of this folder
OTHER_MODULES = ("activations", "checkpoints", "contract", "layers", "likelihoods", "own", "signatures", "sizes")
GIVEN = 2  # arguments that are no options: shape and bottleneck


@dataclass(frozen=True)
class Architecture:
    """A function that builds a network.

    Attributes
    ----------
    name : str
        As in the config: ``residual``, ``folder/my_vae.py:build`` or ``package.module:function``.
    source : Path
        File that defines it.
    function : str
    """

    name: str
    source: Path
    function: str

    @property
    def is_ours(self) -> bool:
        """Whether it comes with this package."""
        return ":" not in self.name

    @property
    def label(self) -> str:
        """Name that does not depend on where a file lies: ``my_vae.py:build``."""
        return f"{self.source.name}:{self.function}" if ".py:" in self.name else self.name

    @property
    def sha256(self) -> str:
        """Of the source."""
        return hashlib.sha256(self.source.read_bytes()).hexdigest()


def architecture(name: str) -> Architecture:
    """Find an architecture by its name in the config.

    Raises
    ------
    VaeGeometryError
        If there is no such architecture, file, module or function.
    """
    if ":" not in name:
        if name not in architectures():
            known = ", ".join(architectures())
            raise VaeGeometryError(
                f"architecture {name} is unknown; take {known}, or a function of your own, such as my_vae.py:build"
            )
        return Architecture(name, FOLDER / f"{name}.py", FUNCTION)
    where, _, function = name.rpartition(":")
    if where.endswith(".py"):
        source = Path(where)
        if not source.is_file():
            raise VaeGeometryError(f"architecture {name}: there is no file {source}; correct the path")
    else:
        source = _module_file(name, where)
    found = Architecture(name, source, function)
    _definition(found)
    return found


def architectures() -> list[str]:
    """Names of the architectures that come with the package: the other modules of this folder, each with ``build``."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py") if path.stem not in OTHER_MODULES)


def check_options(found: Architecture, options: Iterable[str]) -> None:
    """Check the names of options against the signature of an architecture; what only running it could tell passes.

    Raises
    ------
    VaeGeometryError
        If it takes no option of a name, or needs one that is not among them.
    """
    definition: ast.AST | None = _definition(found)
    if isinstance(definition, ast.ClassDef):
        definition = _defined(definition, "__init__")
        given = GIVEN + 1  # self
    else:
        given = GIVEN
    if not isinstance(definition, ast.FunctionDef):
        return
    arguments = definition.args
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if len(positional) < given and not arguments.vararg:
        raise VaeGeometryError(
            f"architecture {found.name}: {found.function} takes fewer than two arguments; "
            f"write def {found.function}(shape, bottleneck)"
        )
    takes = [*positional[given:], *(argument.arg for argument in arguments.kwonlyargs)]
    without_default = positional[given : len(positional) - len(arguments.defaults)]
    without_default += [
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    unknown = [] if arguments.kwarg else sorted(set(options) - set(takes))
    absent = [name for name in without_default if name not in options]
    if unknown:
        listed = f"it takes {', '.join(takes)}" if takes else "it takes none"
        raise VaeGeometryError(f"architecture {found.name} takes no option {unknown[0]}; {listed}")
    if absent:
        raise VaeGeometryError(f"architecture {found.name} needs the option {absent[0]}; give it")


def _module_file(name: str, module: str) -> Path:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError) as error:
        raise VaeGeometryError(f"architecture {name}: {error}; correct the name, or install its package") from None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise VaeGeometryError(
            f"architecture {name}: there is no module {module}; correct the name (a file ends in .py: "
            f"my_vae.py:build), or install its package"
        )
    return Path(spec.origin)


def _definition(found: Architecture) -> ast.AST:
    """The statement that defines the function.

    Raises
    ------
    VaeGeometryError
        If there is none, or the source is no Python.
    """
    try:
        tree = ast.parse(found.source.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise VaeGeometryError(
            f"architecture {found.name}: {found.source} cannot be read as Python ({error}); correct it"
        ) from None
    definition = _defined(tree, found.function)
    if definition is None:
        raise VaeGeometryError(
            f"architecture {found.name}: {found.source} defines no {found.function}; write "
            f"def {found.function}(shape, bottleneck), or name another function"
        )
    return definition


def _defined(tree: ast.Module | ast.ClassDef, name: str) -> ast.AST | None:
    """The last statement of a module or class that gives a name its meaning: def, class, import or assignment."""
    found = None
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names = [statement.name]
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names = [alias.asname or alias.name for alias in statement.names]
        elif isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        else:
            continue
        if name in names:
            found = statement
    return found
