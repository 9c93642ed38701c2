"""Where the transition lies beside the ID of the data: a row for each data set and kind of noise, as a Markdown table.

    python docs/analyses/transitions.py docs/evidence/transition docs/evidence/long

Of all data sets of the folders of kept tables (``docs/evidence.py``), at the last epoch and over all seeds, by the two
signs of figure ``transition``; "from, to" is II(output -> input) at the two K. See docs/explanation/transition.md.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from advice_by_epoch import measured

from vae_geometry.claims.reading import of_sweep
from vae_geometry.claims.transition import Transition, levelling_of, transition_of
from vae_geometry.figures.transition import TABLES

sys.path.append(str(Path(__file__).parents[1]))
from evidence import restore

AT = {True: "yes", False: "no", None: "open"}


def main() -> None:
    folders = list(map(Path, sys.argv[1:])) or sys.exit(__doc__)
    print("| data set | noise | epoch | ID of the data | II stops falling | from, to | ID there | hump sets in |")
    print("|---|---|---|---|---|---|---|---|")
    for kept in folders:
        with TemporaryDirectory() as folder:
            results = Path(folder)
            restore(kept, results)
            runs = sorted({path.parts[-5:-3] for path in results.glob("*/*/k*/seed*/training.parquet")})
            for dataset, noise in runs:
                evidence = of_sweep(measured(results, dataset, noise), TABLES)[-1]
                data = evidence.dimension_of(evidence.bottlenecks[-1], evidence.last, "input")
                levelling = levelling_of(evidence)
                ends = (levelling.brackets[0][0], levelling.brackets[-1][1]) if levelling.brackets else ()
                fall = " to ".join(f"{evidence.to_input(size, evidence.last, 'output').mean:.2g}" for size in ends)
                found = [in_words(levelling), fall, AT[levelling.is_at(data)], in_words(transition_of(evidence))]
                print(f"| {' | '.join(map(str, [dataset, noise, evidence.last, data, *found]))} |")


def in_words(found: Transition) -> str:
    """Between which K it lies, and whether that is sure."""
    if not found.brackets:
        return "none"
    between = f"K = {found.brackets[0][0]} to {found.brackets[-1][1]}"
    return between if found.is_sure else f"{between}, if at all"


if __name__ == "__main__":
    main()
