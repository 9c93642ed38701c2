"""What the advice would have been, had the sweep ended at an earlier checkpoint, as a Markdown table.

    python docs/analyses/advice_by_epoch.py results mnist-1000 mnist-2000 mnist-4000 mnist-8000

A row for each checkpoint of trained networks, with ``fresh`` noise and all seeds together: the minutes that training
all K of a seed took up to there, without measuring; the K that II(output -> input) alone finds wide enough; and the
advice, which also asks whether training is at its end. See docs/how-to/cheapest-sweep.md.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path

from vae_geometry import tables
from vae_geometry.claims import reading
from vae_geometry.claims.advice import Advice, advise
from vae_geometry.claims.evidence import Evidence
from vae_geometry.claims.witnesses import by_imbalance
from vae_geometry.layout import OF_CLAIMS
from vae_geometry.selection import Selection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="results folder of a sweep, or one that docs/evidence.py restored")
    parser.add_argument("dataset", nargs="+")
    options = parser.parse_args()
    print("| data set | epoch | minutes a seed | II alone | advice |\n|---|---|---|---|---|")
    for dataset in options.dataset:
        selection = measured(options.results, dataset)
        timing = tables.read_frame("timing", selection)
        whole = reading.of_sweep(selection, [kind for kind in OF_CLAIMS if kind != "cross_bottleneck"])[-1]
        for epoch in filter(None, whole.epochs):
            minutes = timing.loc[timing["epoch"] <= epoch, "seconds"].sum() / 60 / len(whole.seeds)
            alone = by_imbalance(whole, epoch)
            sizes = alone.open_for or sorted({alone.possible, alone.enough})
            advice = in_short(advise(up_to(whole, epoch)))
            print(f"| {dataset} | {epoch} | {minutes:.1f} | {' or '.join(map(str, sizes))} | {advice} |")


def measured(results: Path, dataset: str, noise: str = "fresh") -> Selection:
    """All K, seeds and checkpoints that a data set has with one kind of noise."""
    tables_of_layers = results.glob(f"{dataset}/{noise}/k*/seed*/epoch*/intrinsic_dimension.parquet")
    fields = [map(int, re.findall(r"\d+", "/".join(path.parts[-4:-1]))) for path in tables_of_layers]
    bottlenecks, seeds, epochs = (sorted(set(values)) for values in zip(*fields, strict=True))
    return Selection(results, [dataset], [noise], bottlenecks, seeds, epochs)


def up_to(evidence: Evidence, epoch: int) -> Evidence:
    """What a sweep would have shown that had ended there."""
    elbo = {place: loss for place, loss in evidence.elbo.items() if place[1] <= epoch}
    return replace(evidence, epochs=[each for each in evidence.epochs if each <= epoch], elbo=elbo)


def in_short(advice: Advice) -> str:
    """The K, or why there is none, without numbers and what to do."""
    if advice.size is None:
        return "cannot tell: " + "; ".join(re.split(r" \(|, so ", obstacle)[0] for obstacle in advice.obstacles)
    return f"**{advice.size}**" + (f" ({advice.possible} may do)" if advice.possible != advice.size else "")


if __name__ == "__main__":
    main()
