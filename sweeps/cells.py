"""Write the table of sweeps/cells.yaml: 700 blood cells and 765 genes, which come with scanpy (pbmc68k_reduced).

The values are logarithms of normalised counts. Those in ``X`` of this data set are scaled already, by all cells; here
the sweep scales them, by those that it trains on.
"""

import sys
from pathlib import Path

import scanpy

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "resources/downloads/cells")
cells = scanpy.datasets.pbmc68k_reduced().raw.to_adata()
folder.mkdir(parents=True, exist_ok=True)
cells.to_df().to_csv(folder / "train.csv", index=False)  # a row a cell, a column a gene
print(f"{folder}/train.csv: {cells.n_obs} cells, {cells.n_vars} genes")
