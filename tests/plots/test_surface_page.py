"""The page holds the measured bits, and in a browser it does what its controls say."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.surface import Surface, load, save
from src.plots.surface_page import surface_page
from tests.conftest import ROOT
from tests.landscape.made_up import line, plane
from tests.plots.chromium import browser, find_chromium

CHROMIUM = find_chromium()
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


class Scripts(HTMLParser):
    """The contents of a page's scripts, by their ids."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.current, self.titles = {}, None, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.current = dict(attrs).get("id", "") if tag == "script" else tag

    def handle_endtag(self, tag):
        self.current = None

    def handle_data(self, data):
        if self.current == "h1":
            self.titles.append(data)
        elif self.current is not None:
            self.texts[self.current] = data


def pair():
    """Two surfaces of different sizes, one with holes and in double precision."""
    return [plane("calm", 21, 15), plane("wild", 31, 25, wild=True, holes=True, dtype=np.float64)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_page_has_the_bits_of_the_file(tmp_path, number):
    save(pair()[number], tmp_path / "surface.npz")
    surface = load(tmp_path / "surface.npz")
    data = json.loads(Scripts(surface_page([surface], "page")).texts["data"])
    (shown,) = data["surfaces"]
    arrays = {"alpha": surface.alpha, "beta": surface.beta, **surface.values}
    for name, array in arrays.items():
        stored = shown[name] if name in shown else shown["values"][name]
        assert stored["dtype"] == array.dtype.name
        assert base64.b64decode(stored["base64"]) == array.astype(array.dtype.newbyteorder("<")).tobytes()
    assert list(shown["values"]) == list(surface.values)


def test_the_page_needs_nothing_else_and_no_title_is_code():
    evil = replace(pair()[0], title="</script><script>alert(1)</script> @script@", metadata={"run": "</script>"})
    page = surface_page([evil], "<b> & @data@")
    assert not re.findall(r"(?:src|href)\s*=|https?:|url\(|@import|\bfetch\b|XMLHttpRequest", page)
    scripts = Scripts(page)
    assert page.count("</script>") == 2
    assert scripts.titles == ["<b> & @data@"]
    assert json.loads(scripts.texts["data"])["surfaces"][0]["title"] == evil.title


def test_facts_have_four_digits():
    facts = {"eigenvalues": [801.2938, 102345.6], "seed": 123456, "tolerance": {"relative": 0.01}, "ends": [np.inf]}
    data = json.loads(Scripts(surface_page([replace(pair()[0], metadata=facts)], "page")).texts["data"])
    assert data["surfaces"][0]["metadata"] == {
        "eigenvalues": "[801.3, 102300.0]", "seed": "123456", "tolerance": '{"relative": 0.01}', "ends": '["Infinity"]',
    }  # fmt: skip


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no Node.js is installed")
def test_values_have_four_digits():
    script = (ROOT / "src/plots/page/page.js").read_text()
    function = re.search(r"function measured\(.*?\n}\n", script, re.DOTALL)[0]
    numbers = "[0, 0.1, 0.03304482680100661, -2.00049, 12345.678, 999949.9, 3456789, 1.5e-7, NaN, Infinity, -1e300]"
    done = subprocess.run(
        [NODE, "-p", f"{function}; {numbers}.map(measured).join(' ')"], capture_output=True, text=True
    )
    assert done.stdout == "0 0.1 0.03304 -2 12350 999900 3.457e6 1.5e-7 NaN Infinity -1.000e300\n"


def test_only_what_all_surfaces_have_can_be_chosen():
    calm, wild = pair()
    some = replace(wild, values={"test_loss": wild.values["test_loss"]})
    assert list(json.loads(Scripts(surface_page([calm, some], "page")).texts["data"])["values"]) == ["test_loss"]
    other = replace(wild, values={"sharpness": wild.values["test_loss"]})
    with pytest.raises(UserError, match="no loss or accuracy in common"):
        surface_page([calm, other], "page")
    with pytest.raises(UserError, match="'interpolation' is a line"):
        surface_page([line(n=11)], "page")


def test_losses_that_reach_zero_are_losses_on_a_linear_scale():
    calm = pair()[0]
    calm.values["train_loss"][3, 3] = 0
    shown = json.loads(Scripts(surface_page([calm], "page")).texts["data"])["values"]
    assert {name: (own["loss"], own["logarithmic"]) for name, own in shown.items()} == {
        "train_loss": (True, False), "train_accuracy": (False, False),
        "test_loss": (True, True), "test_accuracy": (False, False),
    }  # fmt: skip


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(CHROMIUM, tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


@pytest.fixture
def tab(chromium, tmp_path):
    """The pair in a browser; no script may have failed at the end."""
    path = tmp_path / "page.html"
    path.write_text(surface_page(pair(), "Two surfaces"))
    chromium.open(path)
    yield chromium
    assert chromium.errors == []


def place(tab, panel, i, j):
    """Where a vertex is on the screen."""
    return tab.run(f"""(() => {{
        const panel = page.panels[{panel}], box = panel.canvas.getBoundingClientRect();
        const v = {i} * panel.mesh.m + {j}, at = panel.drawn.at;
        return [box.left + at.x[v] / panel.fine, box.top + at.y[v] / panel.fine];
    }})()""")


def said(tab, panel):
    """What a panel says of the point that is read."""
    return tab.run(f"page.panels[{panel}].figure.querySelector('output').textContent")


def cameras(tab):
    return [tuple(camera.values()) for camera in tab.run("page.panels.map(panel => panel.camera)")]


def set_control(tab, name, value):
    """Does what a reader does to a control."""
    key = "checked" if isinstance(value, bool) else "value"
    tab.run(f"Object.assign(document.getElementById('{name}'), {{{key}: {json.dumps(value)}}}).oninput()")
    tab.settle()


def pixels(tab, panel):
    """How many pixels of a panel show a whole cell, a hole, and the colour of a rim."""
    return tab.run(f"""(() => {{
        const {{ids, pixels}} = page.panels[{panel}].frame, rims = [0xff7a25d0, 0xffb06fff];  // light and dark
        const count = test => ids.reduce((n, id, k) => n + test(id, k), 0);
        return [count(id => id > 0), count(id => id < 0), count((_, k) => rims.includes(pixels[k]))];
    }})()""")


@in_browser
def test_surfaces_are_drawn_and_holes_have_a_rim(tab):
    whole, holes, rim = pixels(tab, 0)
    assert whole > 20_000
    assert holes == rim == 0
    tab.drag((800, 400), (800, 600))  # from above every hole is seen
    whole, holes, rim = pixels(tab, 1)
    assert whole > 20_000
    assert holes > 100
    assert rim > 100


@in_browser
def test_pointing_at_a_point_reads_its_value(tab):
    calm, wild = pair()
    tab.mouse("mouseMoved", *place(tab, 0, 12, 9))
    value = calm.values["train_loss"][12, 9]
    assert said(tab, 0) == f"α {calm.alpha[12]:.4g}, β {calm.beta[9]:.4g}: training loss {value:.4g}"
    near = wild.values["train_loss"][18, 15]  # the nearest point to 0.2, 0.2857 on the other grid
    assert said(tab, 1) == f"α 0.2, β 0.25: training loss {near:.4g}"
    set_control(tab, "value", "test_accuracy")
    assert said(tab, 0).endswith(f"test accuracy {calm.values['test_accuracy'][12, 9]:.4g}")


@in_browser
def test_dragging_turns_both_surfaces_unless_they_are_apart(tab):
    before = cameras(tab)
    assert before[0] == before[1]
    tab.drag((300, 400), (400, 430))
    turned = cameras(tab)
    assert turned[0] == turned[1] != before[0]
    set_control(tab, "linked", False)
    tab.drag((300, 400), (200, 400))
    apart = cameras(tab)
    assert apart[0] != apart[1] == turned[1]
    tab.mouse("mouseWheel", 900, 400, deltaX=0, deltaY=-300)
    tab.settle()
    assert cameras(tab)[1][2] > 1


@in_browser
def test_heights_are_logarithms_values_or_cut_off(tab):
    loss = pair()[0].values["train_loss"].astype(float)
    everything = np.concatenate([each.values["train_loss"].ravel() for each in pair()])
    low, high = everything[np.isfinite(everything)].min(), everything[np.isfinite(everything)].max()

    def height():
        return np.reshape(list(tab.run("Array.from(page.panels[0].mesh.z, z => z / BOX)")), loss.shape)

    np.testing.assert_allclose(height(), np.log(loss / low) / np.log(high / low), atol=1e-6)
    set_control(tab, "log", False)
    np.testing.assert_allclose(height(), (loss - low) / (high - low), atol=1e-6)
    set_control(tab, "clip", "30")
    top = low * (high / low) ** 0.3
    assert loss.max() > top
    np.testing.assert_allclose(height(), np.minimum((loss - low) / (top - low), 1), atol=1e-6)


@in_browser
def test_the_keyboard_turns_zooms_and_reads(tab):
    tab.run("page.panels[1].canvas.focus()")
    home = cameras(tab)[1]
    for key in ("ArrowLeft", "ArrowUp", "+"):
        tab.key(key)
    azimuth, elevation, zoom = cameras(tab)[1]
    assert azimuth > home[0]
    assert elevation > home[1]
    assert zoom > home[2]
    tab.key("Home")
    assert cameras(tab)[1] == home
    loss = pair()[1].values["train_loss"]
    i, j = np.unravel_index(np.argmin(np.where(np.isfinite(loss), loss, np.inf)), loss.shape)
    tab.key("ArrowRight", shift=True)
    assert said(tab, 1).endswith(f"training loss {loss[i + 1, j]:.4g}")
    tab.run(f"read(page.panels[1], {31 // 5} * 25 + {25 // 4})")
    assert said(tab, 1).endswith("training loss NaN")


@in_browser
def test_the_best_point_is_the_lowest_loss_or_the_highest_accuracy(tab):
    calm = pair()[0]
    for name, index in (("train_loss", np.argmin), ("test_accuracy", np.argmax)):
        set_control(tab, "value", name)
        assert tab.run("page.panels[0].best") == index(calm.values[name])


@in_browser
def test_a_constant_surface_is_drawn_too(chromium, tmp_path):
    flat = Surface("chance", np.arange(3.0), np.arange(4.0), {"test_accuracy": np.full((3, 4), 0.1)})
    path = tmp_path / "flat.html"
    path.write_text(surface_page([flat], "Chance"))
    chromium.open(path)
    assert pixels(chromium, 0)[0] > 5_000
    assert chromium.errors == []
