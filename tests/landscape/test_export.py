"""What other programs read is what was measured."""

import base64
import csv
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.export import write_csv, write_vts
from tests.landscape.made_up import line, plane


def read_csv(path):
    """The columns of a table by name."""
    with path.open() as file:
        rows = list(csv.reader(file))
    return dict(zip(rows[0], np.array(rows[1:], float).T, strict=True))


def read_vts(path):
    """The extent and the arrays of a grid by name."""
    root = Xml.parse(path).getroot()
    types = {"Float32": "<f4", "Float64": "<f8", "UInt8": "u1"}
    arrays = {}
    for array in root.iter("DataArray"):
        content = base64.b64decode(array.text)
        assert int.from_bytes(content[:8], "little") == len(content) - 8
        arrays[array.get("Name")] = np.frombuffer(content[8:], types[array.get("type")])
    return root.find("StructuredGrid").get("WholeExtent"), arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_reads_back_to_the_bit(tmp_path, dtype):
    surface = plane(n=7, m=4, holes=True, dtype=dtype)
    write_csv(surface, tmp_path / "surface.csv")
    columns = read_csv(tmp_path / "surface.csv")
    assert list(columns) == ["alpha", "beta", *surface.values]
    np.testing.assert_array_equal(columns["alpha"], np.repeat(surface.alpha, 4))
    np.testing.assert_array_equal(columns["beta"], np.tile(surface.beta, 7))
    for name, values in surface.values.items():
        np.testing.assert_array_equal(columns[name].astype(dtype).reshape(7, 4), values)


def test_a_line_is_a_table_without_beta(tmp_path):
    surface = line(n=11)
    write_csv(surface, tmp_path / "line.csv")
    columns = read_csv(tmp_path / "line.csv")
    assert list(columns) == ["alpha", *surface.values]
    np.testing.assert_array_equal(columns["test_loss"].astype(np.float32), surface.values["test_loss"])


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_grid_has_the_value_as_its_height_and_hides_what_is_not_finite(tmp_path, logarithmic):
    surface = plane(n=7, m=4, holes=True)
    if not logarithmic:
        surface.values["test_loss"][0, 0] = 0
    write_vts(surface, tmp_path / "surface.vts", value="test_loss")
    extent, arrays = read_vts(tmp_path / "surface.vts")
    assert extent == "0 6 0 3 0 0"
    points = arrays["points"].reshape(4, 7, 3)
    np.testing.assert_array_equal(points[0, :, 0], surface.alpha)
    np.testing.assert_array_equal(points[:, 0, 1], surface.beta)
    loss, finite = surface.values["test_loss"].T, np.isfinite(surface.values["test_loss"].T)
    np.testing.assert_array_equal(arrays["vtkGhostType"].reshape(4, 7), 2 * ~finite)
    height = np.log10(loss[finite]) if logarithmic else loss[finite]
    np.testing.assert_array_equal(points[finite, 2], height)
    assert np.isfinite(points).all()
    assert ("log10_test_loss" in arrays) == logarithmic
    for name, values in surface.values.items():
        np.testing.assert_array_equal(arrays[name], values.T.ravel())


def test_a_grid_needs_two_directions_and_a_finite_value(tmp_path):
    with pytest.raises(UserError, match="is a line"):
        write_vts(line(n=11), tmp_path / "line.vts")
    with pytest.raises(UserError, match="no train_los; did you mean"):
        write_vts(plane(n=3, m=3), tmp_path / "surface.vts", value="train_los")
