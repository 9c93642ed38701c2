"""What a figure shows, in sentences with the numbers that it draws; nothing is said that was not measured."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from vae_geometry.figures.axes import layer_names

Sentences = Iterable[str]
N_LAYERS = 11  # of the VAE; the figures whose captions name layers are drawn of it alone


def in_numbers(figure: str, numbers: pd.DataFrame) -> str:
    """What a figure shows in this sweep, as a list in reStructuredText that reads as plain text too.

    Parameters
    ----------
    figure : str
        A key of ``figures.FIGURES``.
    numbers : data frame
        What the figure draws: its CSV file.
    """
    sentences = [*CAPTIONS[figure](numbers), *_what_was_averaged(numbers)]
    return "".join(f"- {sentence}\n" for sentence in sentences)


def _what_was_averaged(numbers: pd.DataFrame) -> Sentences:
    if "n_seeds" not in numbers:
        return
    n_seeds = numbers["n_seeds"].max()
    bands = " and ".join(numbers["spread_kind"].dropna().unique())
    lines = "One seed" if n_seeds == 1 else f"Means over {n_seeds} seeds"
    if n_seeds:
        yield f"{lines}; the spread is the {bands}." if bands else f"{lines}, without a spread."
    absent = numbers[numbers["mean"].isna() & numbers["reason"].notna()]
    if len(absent):
        reasons = "; ".join(absent["reason"].unique()[:2])
        yield f"{len(absent)} of {len(numbers)} values could not be measured: {reasons}."


def _short(value: float) -> str:
    """A number with three digits, or all of its whole ones."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _value(row: pd.Series) -> str:
    """A mean as far as its spread lets one read it, which has two digits."""
    if not row["spread"] > 0:
        return _short(row["mean"])
    decimals = max(1 - int(np.floor(np.log10(row["spread"]))), 0)
    return f"{row['mean']:,.{decimals}f} ± {row['spread']:,.{decimals}f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]  # capitalize() would write Ii for II


def _listed(items: Iterable) -> str:
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def _per_size(rows: pd.DataFrame, text: Callable[[pd.Series], str] = _value) -> str:
    """A value for every K, of rows that hold one for each."""
    return _listed(f"{text(row)} (K = {row['bottleneck']:g})" for _, row in rows.sort_values("bottleneck").iterrows())


def _measured(numbers: pd.DataFrame, **wanted) -> pd.DataFrame:
    """Rows with a mean and with these values of their columns."""
    rows = numbers[numbers["mean"].notna()]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _name(layer: float) -> str:
    return layer_names([int(layer)], N_LAYERS)[0]


def _data(numbers: pd.DataFrame) -> Sentences:
    of_images = _measured(numbers, quantity="ID", x_name="layer", x=0)
    if len(of_images):
        yield f"ID of the data: {_short(of_images['mean'].mean())}, the dashed line."


def _highest_in_the_decoder(profile: pd.DataFrame) -> pd.DataFrame:
    decoder = _measured(profile[profile["x"] > N_LAYERS // 2], quantity="ID")
    return decoder.loc[decoder.groupby("bottleneck")["mean"].idxmax()]


def _lowest(rows: pd.DataFrame) -> Sentences:
    """For which K a quantity is lowest, and whether the next one is told apart from it."""
    ordered = rows.sort_values("mean")
    if ordered.empty:
        return
    best = ordered.iloc[0]
    sentence = f"{best['quantity']} is lowest with K = {best['bottleneck']}: {_value(best)}"
    if len(ordered) > 1:
        following = ordered.iloc[1]
        sentence += f"; next is K = {following['bottleneck']} with {_value(following)}"
        if following["mean"] - best["mean"] < best["spread"] + following["spread"]:
            sentence += ", which is within their spreads"
    yield f"{sentence}."


def _turns(rows: pd.DataFrame, extreme: str) -> Sentences:
    """For which K a quantity had its extreme of training before the last epoch."""
    turned = []
    for bottleneck, line in rows[rows["x"] > 0].groupby("bottleneck"):
        ordered = line.sort_values("x")
        last = ordered.iloc[-1]
        best = ordered.loc[ordered["mean"].idxmin() if extreme == "lowest" else ordered["mean"].idxmax()]
        if best["x"] < last["x"]:
            course = f"{_short(best['mean'])} at epoch {best['x']:g}, {_short(last['mean'])} at {last['x']:g}"
            turned.append(f"K = {bottleneck} ({course})")
    if turned:
        yield f"{_capital(rows['quantity'].iloc[0])} is {extreme} before the last epoch for {_listed(turned)}."
    elif len(rows):
        yield f"{_capital(rows['quantity'].iloc[0])} is {extreme} at the last epoch for every K."


def _figure1(numbers: pd.DataFrame) -> Sentences:
    yield from _data(numbers)
    highest = _highest_in_the_decoder(numbers)
    if len(highest):
        yield (
            "Highest ID in the decoder: " + _per_size(highest, lambda row: f"{_value(row)} in {_name(row['x'])}") + "."
        )
    to_input = _measured(numbers, quantity="II(layer -> input)", x=N_LAYERS - 1)
    yield from _lowest(to_input.assign(quantity="II(output -> input)"))
    change = _measured(numbers, x_name="midpoint")
    steps = change[change["x"] > N_LAYERS // 2].assign(mean=lambda rows: rows["mean"] > 0)
    if len(steps):
        expanding = steps.groupby("bottleneck", as_index=False)["mean"].agg(["sum", "size"])
        counts = _per_size(expanding, lambda row: f"{row['sum']} of {row['size']}")
        yield f"Steps of the decoder that expand: {counts}."


def _figure2(numbers: pd.DataFrame) -> Sentences:
    panels = [_measured(numbers, panel=panel) for panel in "abc"]
    for rows in (panels[0], panels[2]):
        yield from _lowest(rows[rows["x"] == rows["x"].max()])
    yield from _turns(panels[1], "highest")
    yield from _turns(panels[2], "lowest")


def _figure3(numbers: pd.DataFrame) -> Sentences:
    yield from _data(numbers)
    for epoch in sorted(numbers["epoch"].unique())[-2:]:
        highest = _highest_in_the_decoder(numbers[numbers["epoch"] == epoch])
        if len(highest):
            yield f"Highest ID in the decoder at epoch {epoch}: {_per_size(highest)}."


def _figure_a1(numbers: pd.DataFrame) -> Sentences:
    yield from _data(numbers)
    for panel in "ab":
        yield from _lowest(_measured(numbers, panel=panel))
    change = _measured(numbers, x_name="geometric_mean")
    if change.empty:  # one bottleneck has no next
        return
    for (size, following), layers in change.groupby(["bottleneck", "next_bottleneck"]):
        more = (layers["mean"] > 0).sum()
        yield f"Relative II difference of K = {size} and {following:g}: above zero in {more} of {len(layers)} layers."


def _figure_a2(numbers: pd.DataFrame) -> Sentences:
    yield from _data(numbers)
    ends = _measured(numbers, x=N_LAYERS - 1)
    for name, quantity in {"ID of the output": "ID", "II(output -> input)": "II(layer -> input)"}.items():
        rows = ends[ends["quantity"] == quantity]
        if len(rows):
            yield f"{name}: {_per_size(rows)}."


def _losses(numbers: pd.DataFrame) -> Sentences:
    last = _measured(numbers, x=numbers["x"].max())
    held_back = last[(last["quantity"] == "elbo") & (last["part"] == "validation")]
    yield from _lowest(held_back.assign(quantity=f"The ELBO loss of the validation images at epoch {last['x'].max()}"))
    elbo = last[last["quantity"] == "elbo"].pivot_table(index="bottleneck", columns="part", values="mean").reset_index()
    if {"train", "validation"} <= set(elbo):
        gap = _per_size(elbo, lambda row: _short(row["validation"] - row["train"]))
        yield f"The same of the validation images minus the training images: {gap} nats."


def _ii_to_output(numbers: pd.DataFrame) -> Sentences:
    for name, layer in {"input": 0, "z": N_LAYERS // 2}.items():
        rows = _measured(numbers, x=layer)
        if len(rows):
            yield f"II({name} -> output): {_per_size(rows)}."


def _reconstructions(numbers: pd.DataFrame) -> Sentences:
    errors = numbers.groupby("bottleneck", as_index=False)["mean_squared_error"].mean()
    text = _per_size(errors, lambda row: _short(row["mean_squared_error"]))
    yield f"Mean squared error per pixel of the {numbers['image'].nunique()} images shown: {text}."


def _id_scaling(numbers: pd.DataFrame) -> Sentences:
    measured = _measured(numbers)
    ends = sorted(measured["x"].unique())
    for neighbours in ends[:: max(len(ends) - 1, 1)]:
        rows = measured[measured["x"] == neighbours]
        data, output = rows[rows["layer"] == 0], rows[rows["layer"] == N_LAYERS - 1]
        if len(data) and len(output):
            of_data = _short(data["mean"].mean())
            yield f"ID at {neighbours} neighbours: {of_data} of the data, and of the output {_per_size(output)}."


def _ii_matrix(numbers: pd.DataFrame) -> Sentences:
    pairs = _measured(numbers)
    pairs = pairs[pairs["x"] != pairs["target_layer"]].sort_values("mean")
    for name, row in {"Lowest": 0, "Highest": -1}.items():
        if len(pairs):
            pair = pairs.iloc[row]
            where = f"from {_name(pair['x'])} to {_name(pair['target_layer'])} with K = {pair['bottleneck']}"
            yield f"{name} II of two layers: {_value(pair)}, {where}."


def _ii_plane(numbers: pd.DataFrame) -> Sentences:
    plane = _measured(numbers).pivot_table(index=["bottleneck", "x"], columns="quantity", values="mean").dropna()
    says_more = plane["II(layer -> input)"] < plane["II(input -> layer)"]
    for bottleneck, layers in says_more.groupby("bottleneck"):
        below = [_name(layer) for _, layer in layers.index[layers]]
        yield f"K = {bottleneck}: below the diagonal {_listed(below) if below else 'no layer'}."


def _published(numbers: pd.DataFrame) -> Sentences:
    both = _measured(numbers).dropna(subset=["published"])
    both["factor"] = np.exp(np.log(both["mean"] / both["published"]).abs())
    for quantity, rows in both.groupby("quantity", sort=False):
        worst = rows.loc[rows["factor"].idxmax()]
        values = f"{_short(worst['mean'])} measured, {_short(worst['published'])} published"
        where = f"at layer {_name(worst['x'])} with K = {worst['bottleneck']} ({values})"
        spreads = rows["difference_in_spreads"].dropna().abs()
        near = f"; {(spreads <= 2).sum()} of {len(spreads)} lie within two spreads over seeds" if len(spreads) else ""
        median = f"a factor of {rows['factor'].median():.2f} in the median"
        yield f"{quantity}, measured beside published: {median}; the largest is {worst['factor']:.2f}, {where}{near}."


def _noise(numbers: pd.DataFrame) -> Sentences:
    for kind, rows in numbers.groupby("noise"):
        yield from (f"{kind.capitalize()} noise: {sentence}" for sentence in _one_noise(rows))


def _one_noise(numbers: pd.DataFrame) -> Sentences:
    highest = _highest_in_the_decoder(numbers)
    if len(highest):
        yield f"highest ID in the decoder {_per_size(highest)}."
    for quantity in ("test KL", "II(output -> input)"):
        rows = _measured(numbers, quantity=quantity)
        if len(rows):
            yield f"{quantity} at the last epoch {_per_size(rows[rows['x'] == rows['x'].max()])}."


CAPTIONS = {
    "figure1": _figure1,
    "figure2": _figure2,
    "figure3": _figure3,
    "figureA1": _figure_a1,
    "figureA2": _figure_a2,
    "losses": _losses,
    "ii_to_output": _ii_to_output,
    "reconstructions": _reconstructions,
    "id_scaling": _id_scaling,
    "ii_matrix": _ii_matrix,
    "ii_plane": _ii_plane,
    "published": _published,
    "noise": _noise,
}
