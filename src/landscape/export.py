"""Exports surfaces: as CSV, and as a grid for ParaView."""

import base64
import csv
import io
import itertools
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from jaxtyping import Num

from ..config.errors import UserError
from ..runs.files import write_whole
from .surface import Surface, heights

HIDDEN_POINT = 2  # vtkDataSetAttributes::HIDDENPOINT
VTK_TYPES = {"float64": "Float64", "float32": "Float32", "uint8": "UInt8"}


def write_csv(surface: Surface, path: Path) -> None:
    """Writes a row for each point: alpha, beta (for a plane), and every value.

    Numbers are the shortest that are read back to the same bits; others are `nan`, `inf` or `-inf`.

    Raises:
        OSError: it cannot be written.
    """
    axes = {"alpha": surface.alpha} if surface.beta is None else {"alpha": surface.alpha, "beta": surface.beta}
    columns = [values.ravel() for values in surface.values.values()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*axes, *surface.values])
    for point, *row in zip(itertools.product(*axes.values()), *columns, strict=True):
        writer.writerow([*point, *row])
    write_whole(path, text.getvalue())


def write_vts(surface: Surface, path: Path, *, value: str = "train_loss") -> None:
    """Writes a structured grid in VTK's XML format (`.vts`), with every value at its points.

    The third coordinate is the value, or the decimal logarithm of a positive loss. A point without a finite one gets
    the largest height and is marked as hidden, so that ParaView shows a hole; its values are not changed. (VTK file
    formats, docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html; ghost points:
    vtkDataSetAttributes::PointGhostTypes.)

    Args:
        surface: over a plane.
        path: ends in `.vts`, by which ParaView knows the format.
        value: name of the value that is the height.

    Raises:
        UserError: the surface is a line, has no such value, or no finite one.
        OSError: it cannot be written.
    """
    alpha, beta = np.meshgrid(*surface.plane(), indexing="ij")
    logarithmic = surface.logarithmic(value)
    height = heights(surface.value(value), logarithmic=logarithmic)
    hidden = np.isnan(height)
    if hidden.all():
        raise UserError(f"the surface '{surface.title}' has no finite {value}")
    height = np.where(hidden, height[~hidden].max(), height).astype(np.float64)

    root = Xml.Element("VTKFile", type="StructuredGrid", version="1.0", byte_order="LittleEndian", header_type="UInt64")
    extent = f"0 {alpha.shape[0] - 1} 0 {alpha.shape[1] - 1} 0 0"
    piece = Xml.SubElement(Xml.SubElement(root, "StructuredGrid", WholeExtent=extent), "Piece", Extent=extent)
    data = Xml.SubElement(piece, "PointData", Scalars=value)
    for name, values in surface.values.items():
        _array(data, name, values.T.ravel())
    if logarithmic:
        _array(data, f"log10_{value}", height.T.ravel())
    _array(data, "vtkGhostType", (HIDDEN_POINT * hidden.astype(np.uint8)).T.ravel())
    points = np.stack([alpha.T, beta.T, height.T], axis=-1)  # VTK counts the first direction fastest
    _array(Xml.SubElement(piece, "Points"), "points", points.reshape(-1, 3))
    write_whole(path, Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _array(parent: Xml.Element, name: str, values: Num[np.ndarray, "..."]) -> None:
    """Adds an array: its length in bytes and its bytes, in base64."""
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    attributes = {"type": VTK_TYPES[values.dtype.name], "Name": name, "format": "binary"}
    if values.ndim == 2:
        attributes["NumberOfComponents"] = str(values.shape[1])
    array = Xml.SubElement(parent, "DataArray", attributes)
    array.text = base64.b64encode(np.uint64(len(content)).astype("<u8").tobytes() + content).decode()
