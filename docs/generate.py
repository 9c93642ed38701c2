"""Write what is made from the code: the schema of the config, and pages of the reference (make generated)."""

from collections.abc import Iterable
from dataclasses import MISSING
from pathlib import Path

import yaml

from vae_geometry.config import CONFIG, SECTIONS, DataSet
from vae_geometry.figures.registry import FIGURES
from vae_geometry.options import Option, options_of
from vae_geometry.schema import TYPES, config_schema
from vae_geometry.stages import STAGES
from vae_geometry.tables import SCHEMAS

ROOT = Path(__file__).parents[1]
OF_TABLES = """# Tables and columns

One parquet file for each kind; [files and folders](files.md) says where they lie. Made from
`src/vae_geometry/table_schemas.py` by `make generated`.

A value that could not be measured is null, and `reason` says why.
"""
OF_CONFIG = """# Config

Every key has a default: that of the paper's sweep, as `config.yaml` shows. An unknown key is an error. Another
file is named by `--configfile=FILE`, a single key by `--config 'seeds=[0]'`. Made from
`src/vae_geometry/config.py` by `make generated`; `workflow/schemas/config.schema.yaml` says the same to
programs.

Changing a key reruns what depends on it. No result depends on keys marked †.
"""
OF_COMMANDS = """# Command line

`vae-geometry STAGE ...` runs one stage; the rules of the workflow run the same. [One stage by
hand](../how-to/one-stage.md) shows them one after the other. `--help` after the name of a stage prints what is
below. Made from `src/vae_geometry/stages/` by `make generated`.

The exit status is 0 where all went well, 1 with one sentence where you can fix what is wrong, and 2 for wrong
words on the command line ([all of them](../explanation/promises.md#signals-and-exit-status)).
"""
OF_FIGURES = """# Figures

`results/figures/DATASET/NOISE/FIGURE.*`: a picture as PNG (300 dpi) and PDF (vector graphics with its fonts in
it), its numbers as CSV, and its caption as text: what it shows, how to read it, and its numbers in this run.
They fit one or two columns of a journal's page (89 or 183 mm wide) with no text below 6 points. Made from
`src/vae_geometry/figures/registry.py` by `make generated`.

`figure1`, `figure2`, `figure3`, `figureA1` and `figureA2` are those of the paper. `published` is drawn for a
data set whose source or name is `cifar10`, `id_scaling` with `geometry.scales`, `noise` where there are several
kinds of noise, `compare` and `transition` where there are several data sets.
"""
OF_PUBLISHED = """
`published.csv` compares the last epoch with the published one nearest to it (99 with 100), a row for each
quantity, K and layer (`x`): `mean`, `spread`, `spread_kind`, `n_seeds`, `published`, `published_epoch`,
`difference` (measured minus published) and `difference_in_spreads`, in units of `spread`: the standard error of
the mean over seeds. That is null where there is one seed or no value published for this K, and `reason` says
so.
"""


class Dumper(yaml.SafeDumper):
    """Writes lists in one line."""


Dumper.add_representer(
    list, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)
)


def schema() -> str:
    """The schema of the config as YAML."""
    head = "# Made from src/vae_geometry/config.py by: make generated\n"
    return head + yaml.dump(config_schema(), Dumper=Dumper, sort_keys=False, width=120)


def columns() -> str:
    """The columns of all tables as a page."""
    parts = [OF_TABLES]
    for kind, table in SCHEMAS.items():
        lines = [f"| `{field.name}` | {field.type} | {field.metadata[b'description'].decode()} |" for field in table]
        parts.append("\n".join([f"## {kind}\n", "| column | type | what |", "|---|---|---|", *lines]) + "\n")
    return "\n".join(parts)


def config() -> str:
    """The keys of the config as a page, a table for each section."""
    top = [option for option in CONFIG.values() if not option.section]
    parts = [
        OF_CONFIG,
        "## At the top\n",
        _options(top, key=True),
        "\n## datasets\n",
        f"{DataSet.__doc__} An entry may have a `model`, `training` and `geometry` of its own ([several networks and "
        "kinds of data](../how-to/run-a-sweep.md#several-networks-and-kinds-of-data-in-one-sweep)).\n",
        _options(options_of(DataSet, None), key=True),
    ]
    for name, section in SECTIONS.items():
        parts += [f"\n## {name}\n", f"{section.__doc__}\n", _options(options_of(section, name), key=True)]
        if name == "model":
            parts.append(
                "\nThe options of the architecture stand beside these keys: `channels` or `widths`, or those of your "
                "own function ([networks](../how-to/own-network.md#networks-that-come-with-it))."
            )
    return "\n".join(parts) + "\n"


def command_line() -> str:
    """The stages and their options as a page."""
    parts = [OF_COMMANDS, *[f"- [{name}](#{name}): {stage.summary}" for name, stage in STAGES.items()]]
    for name, stage in STAGES.items():
        parts += [f"\n## {name}\n", f"{stage.summary}\n", _options(stage.options, key=False)]
    return "\n".join(parts) + "\n"


def figures() -> str:
    """The figures as a page: what each shows and how to read it."""
    parts = [OF_FIGURES]
    for name, figure in FIGURES.items():
        parts += [f"## {name}\n", f"{figure.shows}\n", f"*How to read it.* {figure.how_to_read}"]
        parts.append(OF_PUBLISHED if name == "published" else "")
    return "\n".join(parts).rstrip() + "\n"


def _options(options: Iterable[Option], key: bool) -> str:
    """A table of options, as keys of the config or as words of the command line."""
    lines = ["| key | value | default | what |" if key else "| option | value | default | what |", "|---|---|---|---|"]
    for option in options:
        name = option.name if key or option.positional else option.flag
        what = option.description.replace("*", "\\*")
        mark = " †" if key and not option.decides else ""
        lines.append(f"| `{name}`{mark} | {_values(option)} | {_default(option)} | {what} |")
    return "\n".join(lines)


def _values(option: Option) -> str:
    """What an option takes: its values or its type, its limits and its unit."""
    if option.schema:
        kind = "numbers, or native"
    elif option.allowed:
        kind = ", ".join(f"`{value}`" for value in option.allowed)
    else:
        kind = {"string": "text"}.get(known := TYPES.get(option.value_type, "path"), known)
    limits = {"at least": option.minimum, "at most": option.maximum, "above": option.above, "below": option.below}
    words = [f"list: {kind}" if option.is_list and not option.schema else kind]
    words += [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
    words += ["a power of two"] if option.power_of_two else []
    return "; ".join(words) + (f" ({option.unit})" if option.unit else "")


def _default(option: Option) -> str:
    if option.default is MISSING:
        return "required"
    if option.default is None:
        return "none"
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    values = option.default if option.is_list else [option.default]
    return f"`{' '.join(map(str, values))}`" if values and values != [""] else "empty"


GENERATED = {
    "workflow/schemas/config.schema.yaml": schema,
    "docs/reference/command-line.md": command_line,
    "docs/reference/config.md": config,
    "docs/reference/figures.md": figures,
    "docs/reference/tables.md": columns,
}

if __name__ == "__main__":
    for path, content in GENERATED.items():
        (ROOT / path).write_text(content(), encoding="utf-8")
