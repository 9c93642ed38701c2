"""Train VAEs over bottlenecks and seeds, and measure the geometry of their layers."""

import sys

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/config_files.smk"


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/config.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/console.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/activations.smk"
include: "workflow/rules/geometry.smk"
include: "workflow/rules/fidelity.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"


onsuccess:
    print_answers()


onerror:
    print_errors()


rule all:
    default_target: True
    input:
        tables=rules.collect_tables.output,
        figures=all_figures(),
        claims=expand(layout.result("claims").replace(".parquet", ".md"), dataset=config["datasets"]),
        pages=expand(layout.result("page"), dataset=config["datasets"]),
    localrule: True
