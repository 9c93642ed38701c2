"""Write what is made from the code: the schema of the config and the page of the tables' columns (make generated)."""

from pathlib import Path

import yaml

from vae_geometry.schema import config_schema
from vae_geometry.tables import SCHEMAS

ROOT = Path(__file__).parents[1]
HEAD = """# Tables

One parquet file for each kind; where they lie is in the [README](../README.md). Made from
`src/vae_geometry/tables.py` by `make generated`.

A value that could not be measured is null, and `reason` says why.
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
    parts = [HEAD]
    for kind, table in SCHEMAS.items():
        lines = [f"| `{field.name}` | {field.type} | {field.metadata[b'description'].decode()} |" for field in table]
        parts.append("\n".join([f"## {kind}\n", "| column | type | what |", "|---|---|---|", *lines]) + "\n")
    return "\n".join(parts)


GENERATED = {"workflow/schemas/config.schema.yaml": schema, "docs/tables.md": columns}

if __name__ == "__main__":
    for path, content in GENERATED.items():
        (ROOT / path).write_text(content(), encoding="utf-8")
