"""docs/notebook.ipynb does what it shows, from its first cell to its last."""

import ast

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

PAGE = ROOT / "docs/notebook.ipynb"


def shown(notebook):
    """What the last line of each cell gave, as text."""
    texts = [[out["data"]["text/plain"] for out in cell.outputs if "data" in out] for cell in cells(notebook)]
    return [each[-1] if each else "" for each in texts]


def cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.heavy
def test_every_cell_runs_and_the_networks_learn():
    committed = nbformat.read(PAGE, as_version=4)
    page = nbformat.read(PAGE, as_version=4)
    NotebookClient(page, timeout=300, resources={"metadata": {"path": ROOT}}).execute()
    first, trained, _, files, predicted, scores, features = shown(page)
    assert first == shown(committed)[0]
    assert ast.literal_eval(trained)["validation_accuracy"] > 0.9
    assert "preprocessing.json" in ast.literal_eval(files)
    assert predicted.startswith("(array([")
    assert ast.literal_eval(scores)["accuracy"] > 0.9
    assert features.startswith(("(200, 8, 8, 16)", "<Figure"))


def test_the_page_shows_what_it_gave():
    page = nbformat.read(PAGE, as_version=4)
    assert all(cell.outputs for cell in cells(page))
    assert not [out for cell in cells(page) for out in cell.outputs if out.output_type in ("error", "stream")]
