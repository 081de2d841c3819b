"""A saved surface comes back to the bit, and nothing else is taken for one."""

import re
from dataclasses import replace

import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.surface import heights, load, save
from tests.landscape.made_up import line, plane


def same(first, second):
    """Whether two surfaces are equal to the bit, NaN included."""
    arrays = [(first.values[name], second.values[name]) for name in first.values]
    arrays += [(a, b) for a, b in ((first.alpha, second.alpha), (first.beta, second.beta)) if a is not None]
    words = (first.title, list(first.values), first.metadata) == (second.title, list(second.values), second.metadata)
    return words and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in arrays)


@pytest.mark.parametrize(
    "surface",
    [plane(n=7, m=4, holes=True), plane("Größe <1>", 3, 5, dtype=np.float64), line(n=21)],
    ids=["holes", "float64", "line"],
)
def test_a_surface_comes_back_to_the_bit(tmp_path, surface):
    save(surface, tmp_path / "surface.npz")
    again = load(tmp_path / "surface.npz")
    assert same(surface, again)
    assert (again.beta is None) == (surface.beta is None)


def pickled(path):
    np.savez(path, about=np.array([{"format": "surface 1"}], object))


def table(path):
    path.write_text("alpha,beta,train_loss\n")


def single(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def weights(path):
    np.savez(path, kernel=np.zeros(3))


def cut(path):
    save(plane(), path)
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path):
    save(plane(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def misshapen(path):
    save(plane(n=5, m=4), path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "beta": np.arange(7.0)})


@pytest.mark.parametrize("write", [pickled, table, single, weights, cut, flipped, misshapen])
def test_a_file_that_is_something_else_is_one_line(tmp_path, write):
    path = tmp_path / "surface.npz"
    write(path)
    with pytest.raises(UserError, match=re.escape(f"{path} is no saved surface: ")) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file or directory"):
        load(tmp_path / "surface.npz")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"alpha": np.array([0.0, 0.0, 1.0])}, "alpha must be two or more increasing"),
        ({"beta": np.array([0.0, np.nan])}, "beta must be two or more increasing"),
        ({"beta": None}, r"train_loss has the shape \(3, 5\) where \(3,\) is needed"),
        ({"values": {}}, "no values"),
        ({"values": {"train_loss": np.zeros((3, 5), np.float16)}}, "float16"),
    ],
)
def test_parts_that_do_not_fit_are_refused(part, message):
    with pytest.raises(ValueError, match=message):
        replace(plane(n=3, m=5), **part)


def test_a_missing_value_names_the_nearest():
    with pytest.raises(UserError, match="no train_los; did you mean 'train_loss'"):
        plane(n=3, m=3).value("train_los")


def test_heights_are_those_of_finite_values():
    values = np.array([[1.0, 100.0, 0.0], [np.nan, np.inf, -np.inf]])
    np.testing.assert_array_equal(heights(values, logarithmic=True), [[0, 2, np.nan], [np.nan] * 3])
    np.testing.assert_array_equal(heights(values, logarithmic=False), [[1, 100, 0], [np.nan] * 3])
