"""What two implementations of the same estimators must agree on, and how well they did, in a sentence."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

ID_TOLERANCE = 1e-8  # relative
II_TOLERANCE = 1e-12  # absolute; one rank more or less makes 2 / N**2
QUANTITIES = {  # their names in the tables, in the singular and in the plural, and the largest difference
    "intrinsic_dimension": ("ID", "IDs", ID_TOLERANCE),
    "id_scaling": ("ID against scale", "IDs against scale", ID_TOLERANCE),
    "information_imbalance": ("II", "II", II_TOLERANCE),
}

Row = Mapping[str, Any]  # of a table of kind `verification`


def disagreement(rows: Iterable[Row]) -> str | None:
    """The first value on which the two differ by more than the tolerance, in words; None where they agree."""
    for row in rows:
        name, _, tolerance = QUANTITIES[row["quantity"]]
        if row["difference"] is not None and not row["difference"] <= tolerance:
            place = f"layer {row['source_layer']}"
            if row["quantity"] == "information_imbalance":
                place += f" to layer {row['target_layer']}"
            if row["quantity"] == "id_scaling":
                place += f" at {row['neighbours']} neighbours"
            return (
                f"{name} of {place} is {row['value']!r} here and {row['dadapy_value']!r} by DADApy "
                f"{row['dadapy_version']}, which differ by more than {tolerance:g}"
            )
    return None


def agreement(rows: Iterable[Row]) -> str:
    """How many values agree, how well, and how many were left out for which reason."""
    rows = list(rows)
    counts, sentences = [], []
    for quantity, (name, plural, _) in QUANTITIES.items():
        of_quantity = [row for row in rows if row["quantity"] == quantity]
        differences = [row["difference"] for row in of_quantity if row["difference"] is not None]
        if of_quantity:
            largest = f" (largest difference {max(differences):.1g})" if differences else ""
            counts.append(f"{len(differences)} {name if len(differences) == 1 else plural}{largest}")
        # what stands before the colon is the same for all layers
        reasons = Counter(row["reason"].split(":")[0] for row in of_quantity if row["reason"])
        sentences += [f"not compared: {n} {name if n == 1 else plural} ({reason})" for reason, n in reasons.items()]
    agree = f"DADApy {rows[0]['dadapy_version']} agrees on {', '.join(counts[:-1])} and {counts[-1]}"
    return "; ".join([agree, *sentences]) + "."
