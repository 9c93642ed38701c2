"""What Snakemake's own reader of configs passes over."""

import re

import yaml

OTHER_BASE = re.compile(r"[-+]?(0[0-9a-z_]|[0-9_]+:)", re.IGNORECASE)  # octal, hexadecimal, binary, sexagesimal (1:30)


def check_file(path):
    """Stop on a file that is not UTF-8, holds no keys, or names a key twice, of which the last would count."""
    try:
        with open(path, encoding="utf-8") as file:
            top = yaml.compose(file)
    except UnicodeDecodeError:
        sys.exit(f"{path}: is not UTF-8 text; save it as UTF-8")
    except (OSError, yaml.YAMLError):
        return  # Snakemake says so; it also reads JSON that is not YAML
    if not isinstance(top, yaml.MappingNode):
        sys.exit(f"{path}: holds no keys such as `seeds: [0]`; write some, or name another file")
    if "__use_yte__" not in [key.value for key, _ in top.value]:  # a template may name a key in each of its branches
        check_node(path, top)


def check_node(path, node, around=(), checked=None):
    """Stop on a mapping that names a key twice or holds itself, and on numbers that YAML reads in another base."""
    checked = set() if checked is None else checked
    if node in around:
        sys.exit(f"{path}: line {node.start_mark.line + 1}: holds itself through an alias; write out what it holds")
    if node in checked:  # an alias of what was checked where it stands
        return
    checked.add(node)
    if node.tag == "tag:yaml.org,2002:int" and OTHER_BASE.match(node.value):
        sys.exit(f"{path}: line {node.start_mark.line + 1}: YAML reads {node.value} in another base; write it in tens")
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        for position, (key, value) in enumerate(node.value):
            if key.value in keys[:position]:
                sys.exit(f"{path}: line {key.start_mark.line + 1}: the key {key.value} stands twice; remove one")
            check_node(path, value, (*around, node), checked)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            check_node(path, value, (*around, node), checked)


for file in workflow.overwrite_configfiles or ["config.yaml"]:
    check_file(file)
