"""The album of a run holds all that it shows, comes again from its arrays alone, and mistakes are one line."""

import json
import re

import jax
import numpy as np
import pytest
from PIL import Image

from experiments import inspect
from src.plots.album import sections
from src.studies import output
from src.studies.inspection import spread
from src.studies.runs import planned
from src.training.load_run import load_run
from src.training.run import run
from tests.plots.chromium import browser, find_chromium

CHROMIUM = find_chromium()
SMALL = ("train.duration=40steps", "data.batch_size=64", "tracking.progress=none", "tracking.tensorboard=false")
RUNS = {
    "residual": ("model.depth=8", "data.augment.crop=1"),
    "linear": ("model=linear",),
    "masks": ("+experiment=segmentation_shapes", "data.train=40", "data.validation=8", "data.test=8",
              "data.batch_size=8", "train.duration=2steps", "model.filters=4"),
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Runs, two images and a file that is none."""
    home = tmp_path_factory.mktemp("inspected")
    for name, arguments in RUNS.items():
        own = planned([*SMALL, *arguments, f"hydra.run.dir={home / name}"])
        run(own.settings, own.config, home / name)
    (home / "pictures").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(home / "pictures" / f"{number}.png")
    (home / "none.png").write_text("no image")
    (home / "empty").mkdir()
    return home


@pytest.fixture
def album(home, tmp_path, monkeypatch):
    """Makes the album of a run, and gives its folder."""
    monkeypatch.setattr(output, "FIGURES", tmp_path)

    def make(name, *arguments):
        monkeypatch.setattr("sys.argv", ["inspect", f"run={home / name}", *arguments])
        inspect.main()
        return tmp_path / "inspect" / name

    return make


@pytest.mark.heavy
def test_an_album_is_one_file_and_its_figures_come_again_from_the_arrays(album, tmp_path):
    folder = album("residual")
    page = (folder / "album.html").read_text()
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {"data:", "#part"}
    assert not re.findall(r"https?:|url\(|@import|<script|@(?:title|parts|links|facts)@", page)
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    drawn = {name: figure for part in sections(arrays) for name, figure in part.figures.items()}
    layers = ["stem", "blocks.0", "blocks.1", "blocks.2"]
    names = ["filters", *(f"maps_{n}" for n in range(4)), "depth", "neighbours", "planes"]
    assert list(drawn) == [*names, *(f"patches_{layer}" for layer in layers)]
    assert {path.stem for path in folder.glob("*.png")} == set(drawn)
    assert page.count("<img ") == len(drawn)
    for name in ("filters", "maps_2", "patches_blocks.0"):
        drawn[name].savefig(tmp_path / "again.png", dpi=160, bbox_inches="tight")
        again, before = (np.asarray(Image.open(path)) for path in (tmp_path / "again.png", folder / f"{name}.png"))
        np.testing.assert_array_equal(again, before)


@pytest.mark.heavy
def test_the_arrays_are_those_of_the_network(album, home):
    folder, loaded = album("residual", "examples=100"), load_run(home / "residual")
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    images = loaded.engine.dataset.test.inputs[:100]
    np.testing.assert_array_equal(arrays["images"], images[:4])
    maps = loaded.features(images[:4], "blocks.2")
    np.testing.assert_allclose(arrays["maps/blocks.2"], maps[..., :12], rtol=1e-5, atol=1e-6)
    features = loaded.features(images, "pool")
    np.testing.assert_allclose(arrays["features/values"], features, rtol=1e-5, atol=1e-6)
    apart = ((features[:4, None] - features) ** 2).sum(axis=-1)
    apart[range(4), range(4)] = np.inf
    np.testing.assert_array_equal(arrays["neighbours/features/points"][:, 0], apart.argmin(axis=1))
    every = np.asarray(loaded.features(images, "blocks.1")).max(axis=(1, 2))
    np.testing.assert_allclose(arrays["strongest/blocks.1/values"][:, 0], every.max(axis=0), rtol=1e-5)
    facts = json.loads((folder / "results.json").read_text())["facts"]
    assert facts["same_class"]["pixels"]["images"] == 100
    assert facts["layers"]["blocks.1"]["zeros"]["mean"] == pytest.approx(arrays["activity/blocks.1/zeros"].mean())


@pytest.mark.heavy
def test_images_and_layers_of_the_user(album, home):
    folder = album(
        "residual", f"images={home / 'pictures'}", f"images={home / 'none.png'}", "layers=blocks.1.conv*.norm"
    )
    with np.load(folder / "arrays.npz") as file:
        assert list(file["layers/drawn"]) == ["blocks.1.conv1.norm", "blocks.1.conv2.norm"]
        assert file["images"].shape == (2, 8, 8, 1)
        assert (file["neighbours/features/same"] == -1).all()


@pytest.mark.heavy
def test_networks_without_maps_or_classes_have_what_they_can(album):
    assert {path.stem for path in album("linear").glob("*.png")} == {"neighbours", "planes"}
    masks = {path.stem for path in album("masks", "examples=6").glob("*.png")}
    assert {"filters", "depth", "patches_down.0"} < masks
    assert not masks & {"neighbours", "planes"}


MISTAKES = {
    "layers=blocks.3": "error: layers=blocks.3: the network has no such layer; did you mean 'blocks.2'?",
    "layers=head": "error: layers=head: head has no maps, it gives 10; the last one with maps before it is 'blocks.2'",
    "images=HOME/none.png": "error: HOME/none.png is damaged or not an image",
    "images=HOME/empty": "error: images=HOME/empty: there are no images in it",
    "images=HOME/lost.png": "error: images=HOME/lost.png: there is no such file",
    "examples=1": "error: examples=1: should be greater than 1",
}


@pytest.mark.heavy
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_made(mistake, album, home, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        album("residual", mistake.replace("HOME", str(home)))
    assert stop.value.code == 2
    assert capsys.readouterr().err.replace(str(home), "HOME") == f"{MISTAKES[mistake]}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.heavy
def test_a_folder_of_others_is_left_alone(album, tmp_path, capsys):
    folder = tmp_path / "inspect" / "residual"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit):
        album("residual")
    assert "holds mine.txt, which is not ours" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_some_of_all_are_spread_from_the_first_to_the_last():
    assert spread(range(28), 6) == [0, 5, 11, 16, 22, 27]
    assert spread("abc", 6) == ["a", "b", "c"]
    assert spread([], 6) == []


@pytest.mark.heavy
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_every_picture_of_the_page_is_seen(album, tmp_path_factory):
    folder = album("residual", "examples=60")
    with browser(CHROMIUM, tmp_path_factory.mktemp("chromium")) as tab:
        tab.open(folder / "album.html")
        assert tab.run("[...document.images].every(image => image.naturalWidth > 100)")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        assert tab.errors == []


@pytest.mark.heavy
def test_memory_does_not_grow_with_the_images(home):
    """The pass over all images holds one batch, whatever their number."""
    from src.interpret.layers import reader
    from src.interpret.patches import strongest

    loaded = load_run(home / "residual")
    read, shapes = reader(loaded.module, ["blocks.0"], loaded.engine.preprocessing.normalized), set()

    def watched(images):
        shapes.add(images.shape)
        alive.append(sum(array.nbytes for array in jax.live_arrays()))
        return read(images)

    peaks = []
    for count in (64, 640):
        alive = []
        strongest(watched, np.zeros((count, 8, 8, 1), np.uint8), batch_size=32)
        peaks.append(max(alive[1:]))
    assert shapes == {(32, 8, 8, 1)}
    assert peaks[1] <= 1.05 * peaks[0]
