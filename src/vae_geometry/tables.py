"""The tables: one pyarrow schema a kind, where each lies under results/, and how they are written and read."""

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vae_geometry import VaeGeometryError, __version__
from vae_geometry.columns import table_of_rows
from vae_geometry.consistency import require_same_images, require_whole
from vae_geometry.files import DAMAGED, atomic_file, reason, require_regular
from vae_geometry.latents import ACTIVE_VARIANCE
from vae_geometry.rows import require_once, require_own_numbers, require_place, require_possible
from vae_geometry.selection import Selection

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


def _column(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


def _ends(name: str, kind: pa.DataType, description: str) -> list[pa.Field]:
    return [_column(f"{end}_{name}", kind, f"{description} {where}") for end, where in ENDS.items()]


def _imbalance(name: str, pair: str) -> list[pa.Field]:
    return [
        _column(name, pa.float64(), f"II {pair}"),
        _column(f"{name}_stderr", pa.float64(), f"standard error of the II {pair.partition(',')[0]}"),
    ]


ENDS = {"source": "that the II goes from", "target": "that the II goes to"}
RUN = [
    _column("dataset", pa.string(), "entry of `datasets` in the config"),
    _column("noise", pa.string(), "kind of latent noise"),
    _column("bottleneck", pa.int32(), "size K of the latent space"),
    _column("seed", pa.int32(), "of weights, batches and latent noise"),
    _column("epoch", pa.int32(), "passes over the training images; 0 is the untrained network"),
]
POINTS = _column("n_points", pa.int32(), "number N of points")
REASON = _column("reason", pa.string(), "why a value is null")
LAYER = [
    _column("layer", pa.int32(), "number, from the input to the output"),
    _column("layer_name", pa.string(), "name in the network"),
    _column("role", pa.string(), "input, encoder, bottleneck, decoder or output"),
    _column("extrinsic_dimension", pa.int32(), "number of coordinates"),
]
DIMENSION = [
    _column("intrinsic_dimension", pa.float64(), "ID"),
    _column("id_stderr", pa.float64(), "standard error of the ID"),
]
PAIR = [
    *_ends("layer", pa.int32(), "layer"),
    *_ends("name", pa.string(), "name of the layer"),
    *_ends("role", pa.string(), "role of the layer"),
]
IMBALANCE = [
    _column("information_imbalance", pa.float64(), "II"),
    _column("ii_stderr", pa.float64(), "standard error of the II"),
    _column("n_ties", pa.int32(), "points with another point exactly as near in the target as their nearest neighbour"),
    POINTS,
    REASON,
]
LATENT_PAIRS = {
    "ii_to_input": "from the latent to the input",
    "ii_from_input": "from the input to the latent",
    "ii_to_output": "from the latent to the output, decoded from what `model.latent` says",
}
PARTS = {"train": "training", "validation": "validation"}
LOSSES = {"reconstruction": "reconstruction loss", "kl": "KL divergence", "elbo": "ELBO as a loss"}
SCHEMAS = {
    "intrinsic_dimension": pa.schema(
        [
            *RUN,
            *LAYER,
            *DIMENSION,
            POINTS,
            _column("n_zero_distances", pa.int32(), "points at distance zero from their nearest neighbour, left out"),
            REASON,
        ]
    ),
    "id_scaling": pa.schema(
        [
            *RUN,
            *LAYER,
            _column(
                "neighbours", pa.int32(), "n: the distances to the n-th and to the (n/2)-th neighbour are compared"
            ),
            _column("scale", pa.float64(), "mean of these distances, in the units of the layer"),
            *DIMENSION,
            POINTS,
            REASON,
        ]
    ),
    "information_imbalance": pa.schema([*RUN, *PAIR, *IMBALANCE]),
    "latents": pa.schema(
        [
            *RUN,
            _column("latent", pa.string(), "sample: z; mean: its mean; active_sample, active_mean: their active units"),
            _column("n_units", pa.int32(), "units of this latent"),
            *DIMENSION,
            *[column for name, pair in LATENT_PAIRS.items() for column in _imbalance(name, pair)],
            POINTS,
            REASON,
        ]
    ),
    "cross_bottleneck": pa.schema(
        [
            *[field for field in RUN if field.name != "bottleneck"],
            *_ends("bottleneck", pa.int32(), "K of the network"),
            *PAIR,
            *IMBALANCE,
        ]
    ),
    "fidelity": pa.schema(
        [
            *RUN,
            _column("elbo", pa.float64(), "ELBO as a loss, per test image, in nats"),
            _column("reconstruction", pa.float64(), "reconstruction loss per test image, in nats"),
            _column("kl", pa.float64(), "KL divergence per test image, in nats"),
            _column("kl_per_unit", pa.list_(pa.float64()), "the same of each latent unit"),
            _column(
                "active_units",
                pa.int32(),
                f"units whose mean has a variance above {ACTIVE_VARIANCE:g} over the images (Burda et al. 2016)",
            ),
            _column(
                "aggregate_divergence",
                pa.float64(),
                "of z over all images from the prior, in nats: KL divergence from N(0, I) of the Gaussian with its "
                "mean and covariance; a lower bound, as it sees the first two moments only",
            ),
            _column("frechet_distance", pa.float64(), "between test images and reconstructions, of their features"),
            _column("extractor", pa.string(), "network of the features"),
            POINTS,
            _column("warning", pa.string(), "what to know about the Frechet distance"),
            REASON,
        ]
    ),
    "training": pa.schema(
        [
            *RUN,
            *[
                _column(f"{part}_{term}", pa.float64(), f"{name} per {PARTS[part]} image, in nats")
                for part in PARTS
                for term, name in LOSSES.items()
            ],
        ]
    ),
    "timing": pa.schema(
        [
            *RUN,
            _column("seconds", pa.float64(), "of the epoch"),
            _column("images_per_second", pa.float64(), "in training, validation apart"),
        ]
    ),
    "claims": pa.schema(
        [
            *RUN[:2],
            _column("seed", pa.int32(), "null: over seeds"),
            _column("claim", pa.string(), "name"),
            _column("statement", pa.string(), "what is claimed"),
            _column("verdict", pa.string(), "holds, fails or not measurable"),
            _column("numbers", pa.string(), "what decides it"),
            REASON,
        ]
    ),
    "verification": pa.schema(
        [
            *RUN,
            _column("quantity", pa.string(), "intrinsic_dimension, id_scaling or information_imbalance"),
            _column("source_layer", pa.int32(), "layer that the II goes from; of an ID the layer"),
            _column("target_layer", pa.int32(), "layer that the II goes to; of an ID the layer"),
            _column("neighbours", pa.int32(), "rank of the farthest one that counts: 2 for the ID, 1 for the II"),
            _column("value", pa.float64(), "as measured by this package"),
            _column("dadapy_value", pa.float64(), "as measured by DADApy"),
            _column("difference", pa.float64(), "of the two, without its sign; of an ID relative to the value"),
            _column("dadapy_version", pa.string(), "version of DADApy"),
            _column("reason", pa.string(), "why the two are not compared"),
        ]
    ),
    "manifest": pa.schema(
        [
            *RUN,
            *LAYER,
            _column("shape", pa.list_(pa.int32()), "of one point in this layer"),
            POINTS,
            _column("likelihood", pa.string(), "what the output of the decoder means"),
            _column("output_variance", pa.float64(), "of a gaussian likelihood"),
        ]
    ),
}


def write(kind: str, rows: Iterable[Mapping] | pa.Table, path: Path) -> None:
    """Write a table atomically.

    Parameters
    ----------
    kind : str
        A key of ``SCHEMAS``.
    rows : iterable of mappings, or a table of this schema
        Column -> value; a column that is absent is null.
    path : Path
        Parquet file. Its metadata names the kind, and the version of this package.

    Raises
    ------
    VaeGeometryError
        If there is a file that is no table of this kind, or it cannot be written.
    """
    table = rows if isinstance(rows, pa.Table) else table_of_rows(rows, SCHEMAS[kind])
    metadata = {"table": kind, "vae_geometry_version": __version__}
    if os.path.lexists(path) and not is_table(kind, path):
        raise VaeGeometryError(f"{path}: is no table of kind {kind} and is not replaced; name another, or move it away")
    with atomic_file(path) as unfinished:
        pq.write_table(table.replace_schema_metadata(metadata), unfinished)


def is_table(kind: str, path: Path) -> bool:
    """Whether a file is a table of this kind, by its metadata."""
    try:
        require_regular(path)
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, *DAMAGED):
        return False
    return bool(metadata.get(b"table") == kind.encode())


def read(kind: str, files: Iterable[Path]) -> pa.Table:
    """Read tables of one kind and join them, one after the other.

    Raises
    ------
    VaeGeometryError
        If a file is absent, is no parquet file or lacks a column of this kind; if a row is there twice, or holds a
        number that cannot be.
    """
    return _joined(_read_file(kind, path) for path in files)


def read_selected(kind: str, selection: Selection, pass_absent: bool = False) -> pa.Table:
    """Read the selected tables of one kind, and check that they are whole and belong together.

    With ``pass_absent`` those that are not there yet are passed over, which is logged; one must be there, and a
    training may be under way.

    Raises
    ------
    VaeGeometryError
        As ``read``; if a table lies where it does not belong, repeats the numbers of another seed, lacks rows, or was
        measured on other images than another.
    """
    files = selection.files(kind)
    if pass_absent and (there := {path: fields for path, fields in files.items() if path.exists()}):
        if absent := [path for path in files if path not in there]:
            logger.warning("%d of %d tables are not there yet, %s for one", len(absent), len(files), absent[0])
        files = there
    tables = {path: _read_file(kind, path) for path in files}
    for path, fields in files.items():
        require_place(path, tables[path], fields)
    require_own_numbers(kind, files, tables.values())
    require_whole(kind, tables, selection.bottlenecks, 0 if pass_absent else max(selection.epochs))
    require_same_images(kind, tables)
    return _joined(tables.values())


def read_frame(kind: str, selection: Selection, pass_absent: bool = False) -> "pd.DataFrame":
    """Read the selected tables of one kind as a data frame; see ``read_selected``."""
    return read_selected(kind, selection, pass_absent).to_pandas()


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables])


def _read_file(kind: str, path: Path) -> pa.Table:
    schema = SCHEMAS[kind]
    try:
        require_regular(path)
        # from memory and on one thread: the tables are small
        file = pq.ParquetFile(pa.BufferReader(path.read_bytes()))
        _require_types(file.schema_arrow, schema)
        table = file.read(columns=schema.names, use_threads=False).cast(schema)
        table.validate(full=True)  # bytes that are no text are read without an error
    except FileNotFoundError:
        raise VaeGeometryError(f"{path}: no such file; run the stage that makes it first") from None
    except (pa.ArrowException, *DAMAGED) as error:
        problem = f"not a table of kind {kind} ({reason(error)})"
        raise VaeGeometryError(f"{path}: {problem}; remove it to make it again") from None
    require_once(path, table)
    require_possible(path, table)
    return table


def _require_types(found: pa.Schema, schema: pa.Schema) -> None:
    """Raise ValueError where a column lacks, is there twice or is of another type: a cast may change its values."""
    for field in schema:
        index = found.get_field_index(field.name)
        if index < 0:
            raise ValueError(f"it has no column {field.name}, or several")
        if found.field(index).type != field.type:
            raise ValueError(f"column {field.name} is {found.field(index).type}, not {field.type}")
