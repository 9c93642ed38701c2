"""The JSON schema of the config, made from its options."""

from dataclasses import MISSING
from typing import Any

from vae_geometry.config import CONFIG, OF_DATASETS, SECTIONS, DataSet, Sweep
from vae_geometry.options import Option, options_of

TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}
RESERVED = ("tables", "figures", "benchmarks")  # folders under results/ beside those of the data sets
NAME = rf"^(?!({'|'.join(RESERVED)})$)[A-Za-z0-9][A-Za-z0-9_-]*$(?!\n)"


def config_schema() -> dict[str, Any]:
    """Schema (draft 2020-12) of the config, with all defaults."""
    datasets: dict[str, Any] = {
        "description": DataSet.__doc__,
        "type": "object",
        "default": {name: {"source": entry.source} for name, entry in Sweep().datasets.items()},
        "minProperties": 1,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "required": [option.name for option in options_of(DataSet, "") if option.default is MISSING],
            "properties": {
                **{option.name: config_property(option) for option in options_of(DataSet, "")},
                **{name: _of_dataset(name) for name in OF_DATASETS},
            },
        },
    }
    sections = {
        name: {
            "description": section.__doc__,
            "type": "object",
            "default": {},
            "additionalProperties": name == "model",  # the options of the architecture, which its own function names
            "properties": {option.name: config_property(option) for option in options_of(section, name)},
        }
        for name, section in SECTIONS.items()
    }
    top = {option.name: config_property(option) for option in CONFIG.values() if not option.section}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of a sweep",
        "description": "Every key has a default, those of the paper's sweep; an unknown key is an error.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"datasets": datasets, **{name: top.get(name, sections.get(name)) for name in _order()}},
    }


def _of_dataset(section: str) -> dict[str, Any]:
    """Schema of a section in the entry of a data set: no defaults, as a key that is absent there is that of the config.

    Snakemake fills in defaults that stand in the properties of a mapping, not those behind a reference.
    """
    keys = [option.name for option in options_of(SECTIONS[section], section) if not option.common]
    return {
        "description": f"What differs from {section} for this data set.",
        "type": "object",
        "additionalProperties": section == "model",
        "properties": {key: {"$ref": f"#/properties/{section}/properties/{key}"} for key in keys},
    }


def _order() -> list[str]:
    return [name for name in Sweep.__dataclass_fields__ if name != "datasets"]


def config_property(option: Option) -> dict[str, Any]:
    """Schema of one key."""
    if option.schema:
        (default,) = option.default
        return {"description": f"{_described(option)}", **option.schema, "default": int(default)}
    limits = {
        "enum": list(option.allowed) or None,
        "minimum": option.minimum,
        "maximum": option.largest,
        "exclusiveMinimum": option.above,
        "exclusiveMaximum": option.below,
    }
    value: dict[str, Any] = {key: limit for key, limit in limits.items() if limit is not None}
    if not option.allowed:
        kind = TYPES[option.value_type]
        value = {"type": [kind, "null"] if option.default is None else kind, **value}
    if option.is_list:
        value = {
            "type": "array",
            "minItems": option.length or 1,
            **({"maxItems": option.length} if option.length else {"uniqueItems": True}),
            "items": value,
        }
    default = {} if option.default is MISSING else {"default": option.default}
    if option.is_list:
        default = {"default": list(option.default)}
    return {"description": _described(option), **value, **default}


def _described(option: Option) -> str:
    described = f"{option.description[:1].upper()}{option.description[1:]}"
    return f"{described}. Unit: {option.unit}." if option.unit else f"{described}."
