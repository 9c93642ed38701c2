"""Where results lie: one template for the workflow and for the package."""

import re
from pathlib import Path

from vae_geometry import layout, tables

RUN = {"dataset": "mnist", "noise": "fresh", "bottleneck": 8, "seed": 1, "epoch": 5}


def test_every_result_has_a_place_of_its_own():
    assert len(set(layout.RESULTS.values())) == len(layout.RESULTS)
    assert len(set(layout.RESOURCES.values())) == len(layout.RESOURCES)


def test_wildcards_come_in_the_order_of_the_design():
    order = ["dataset", "noise", "bottleneck", "seed", "epoch", "figure"]
    for name, template in layout.RESULTS.items():
        fields = re.findall(r"{(\w+)}", template)
        assert fields == sorted(fields, key=order.index), name


def test_every_kind_of_table_that_a_sweep_reads_has_a_place():
    assert set(tables.SCHEMAS) <= set(layout.RESULTS)


def test_a_place_is_filled_in():
    assert (
        layout.result("fidelity") == "results/{dataset}/{noise}/k{bottleneck}/seed{seed}/epoch{epoch}/fidelity.parquet"
    )
    folder = Path("a{b}c/results")  # braces in the folder are no fields
    assert layout.locate(folder, "fidelity", **RUN) == folder / "mnist/fresh/k8/seed1/epoch5/fidelity.parquet"
    assert layout.layer_file(7) == "layer07.npy"
