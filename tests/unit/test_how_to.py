"""The scripts and the notebook of the how-to pages run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vae_geometry

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
SOURCE = Path(vae_geometry.__file__).parents[1]
WRITTEN = {
    "monitor_torch": ["monitored/intrinsic_dimension.parquet", "training.png", "last-epoch.png"],
    "monitor_lightning": ["geometry/information_imbalance.parquet", "training.png", "logs"],
    "trained_elsewhere": ["figure1.pdf", "ii_matrix.csv", "claims.md"],
    "monitor_transformer": ["transformer.png", "transformer-geometry/information_imbalance.parquet"],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_script_runs(name, tmp_path):
    if name == "monitor_lightning":
        pytest.importorskip("lightning", reason="Lightning is not installed: pip install lightning")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    script = HOW_TO / f"{name}.py"
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in WRITTEN[name]:
        assert (tmp_path / path).exists(), path


def test_every_script_is_run_and_named_by_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in HOW_TO.glob("*.md"))
    assert {path.stem for path in HOW_TO.glob("*.py")} == set(WRITTEN)
    assert all(f"({path.name})" in pages for path in (*HOW_TO.glob("*.py"), *HOW_TO.glob("*.ipynb")))


def test_the_notebook_runs_and_shows_its_figures(tmp_path, monkeypatch):
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install nbclient")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(HOW_TO / "monitor.ipynb", 4)
    kernel = {"kernel_name": "python3", "resources": {"metadata": {"path": str(tmp_path)}}}
    nbclient.NotebookClient(notebook, timeout=300, **kernel).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in output["data"] for output in shown) == 2
