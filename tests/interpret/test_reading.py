"""What is read off a network is what brute force finds; networks stay as they are, and are evaluated in any mode."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.activations import activity
from src.interpret.feature_map import neighbour_plane, principal_plane
from src.interpret.filters import image_filters
from src.interpret.layers import chosen, feature_layer, mapped, outermost, reader
from src.interpret.neighbours import nearest, same_class_rate
from src.interpret.patches import patch, patches, strongest
from src.layers.blocks import ConvNormReLU
from src.layers.pooling import GlobalAveragePool
from src.models.captured import captured, layer_outputs
from tests.conftest import ROOT

SIDE = 12


class Net(nnx.Module):
    def __init__(self, rngs):
        self.stem = ConvNormReLU(1, 4, kernel=3, rngs=rngs)
        self.blocks = nnx.List([ConvNormReLU(4, 5, kernel=3, stride=2, rngs=rngs) for _ in range(1)])
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(5, 3, rngs=rngs)

    def __call__(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.pool(self.drop(x)))


@pytest.fixture(scope="module")
def net():
    return Net(nnx.Rngs(0))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (50, SIDE, SIDE, 1), np.uint8)


def scaled(images):
    return images.astype(jnp.float32) / 255


@pytest.fixture(scope="module")
def outputs(net, images):
    """Of all images at once."""
    copy = nnx.clone(net)
    copy.eval()
    return captured(copy, scaled(jnp.asarray(images)))


@pytest.mark.heavy
def test_a_network_in_training_is_evaluated_and_stays_in_training(net, images, outputs):
    net.train()
    before = jax.tree.map(jnp.array, nnx.state(net, nnx.BatchStat))
    read = reader(net, ["stem", "pool"], scaled)
    np.testing.assert_allclose(read(images)["pool"], outputs["pool"], rtol=1e-5)
    np.testing.assert_array_equal(read(images)["stem"], read(images)["stem"])
    assert not net.drop.deterministic
    jax.tree.map(np.testing.assert_array_equal, before, nnx.state(net, nnx.BatchStat))


def test_layers_are_chosen_by_name(net):
    layers = layer_outputs(net, (SIDE, SIDE, 1))
    assert [layer.name for layer in outermost(layers)] == ["stem", "blocks.0", "drop"]
    assert feature_layer(layers).name == "pool"
    assert [layer.name for layer in chosen(layers, ["pool", "blocks.0*"])][:1] == ["blocks.0.conv"]
    assert [layer.name for layer in mapped(layers, ["*"])][-1] == "drop"
    assert [layer.name for layer in mapped(layers, ["stem", "*o*"])] == [
        "stem.conv",
        "stem.norm",
        "stem",
        "blocks.0.conv",
        "blocks.0.norm",
        "blocks.0",
        "drop",
    ]
    with pytest.raises(UserError, match="layers=stme: the network has no such layer; did you mean 'stem'"):
        mapped(layers, ["stme"])
    with pytest.raises(
        UserError, match="layers=pool: pool has no maps, it gives 5; the last one with maps before it is 'drop'"
    ):
        mapped(layers, ["pool"])
    plain = nnx.Sequential(nnx.Linear(4, 2, rngs=nnx.Rngs(0)))
    with pytest.raises(UserError, match="no layer before the last one gives a vector"):
        feature_layer(layer_outputs(plain, (4,)))


@pytest.mark.heavy
def test_the_lines_of_the_page_work():
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/inside.md").read_text(), re.DOTALL)
    names = {}
    exec(lines, names)
    assert names["pictures"].shape == (9, 5, 5, 1)


def test_filters_are_those_of_the_layer_that_sees_images(net):
    found = image_filters(net)
    np.testing.assert_array_equal(found, np.moveaxis(np.asarray(net.stem.conv.kernel[...]), -1, 0))
    with pytest.raises(UserError, match="no convolution that takes grey or colour images"):
        image_filters(nnx.Linear(2, 2, rngs=nnx.Rngs(0)))


@pytest.mark.heavy
def test_activity_is_what_its_words_say(net, images, outputs):
    read = reader(net, ["stem", "stem.norm", "blocks.0"], scaled)
    found = activity(read, images, batch_size=16)
    for name, own in found.items():
        maps = np.asarray(outputs[name])
        np.testing.assert_allclose(own.zeros, (maps == 0).mean(axis=(1, 2, 3)), atol=1e-6)
        top = np.maximum(maps.max(axis=(1, 2, 3), keepdims=True), 0)
        np.testing.assert_allclose(own.inactive, (maps <= 0.01 * top).mean(axis=(1, 2, 3)), atol=1e-2)
    grey = images[..., 0].astype(float)
    maps = np.asarray(outputs["stem"])
    for number in (0, 49):
        for values, image in ((found["stem"].likeness, grey[number]), (found["stem"].chance, grey[(number + 1) % 50])):
            own = [np.corrcoef(maps[number, ..., unit].ravel(), image.ravel())[0, 1] for unit in range(4)]
            assert values[number] == pytest.approx(np.abs(np.nan_to_num(own)).mean(), abs=1e-4)
    assert np.isnan(activity(read, images[:1])["stem"].chance).all()


def test_maps_that_are_the_image_are_like_it_and_dead_ones_like_nothing(images):
    found = activity(lambda x: {"same": x[:, ::1], "dead": 0 * x, "dark": 255 - x}, images.astype(np.float32))
    assert found["same"].likeness == pytest.approx(1, abs=1e-5)
    assert found["dark"].likeness == pytest.approx(1, abs=1e-5)
    assert found["same"].chance.mean() < 0.2
    assert (found["dead"].likeness == 0).all()
    assert (found["dead"].inactive == 1).all()


def test_neighbours_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 3, (5000, 2, 2)).astype(np.uint8)  # many are equally near
    queries = points[:300]
    found = nearest(queries, points, 4, own=np.arange(300))
    for number in (0, 7, 299):
        distances = np.sqrt(((points - queries[number].astype(float)) ** 2).sum(axis=(1, 2)))
        distances[number] = np.inf
        order = np.argsort(distances, kind="stable")[:4]
        np.testing.assert_array_equal(found.points[number], order)
        np.testing.assert_array_equal(found.distances[number], distances[order])
    assert nearest(queries, points[:3], 9).points.shape == (300, 3)


def test_the_rate_counts_the_nearest():
    found = nearest(np.array([[0.0], [1.0], [5.0]]), np.array([[0.1], [1.1], [4.0]]), 2)
    rate = same_class_rate(found, np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert (rate.rate, rate.queries) == (2 / 3, 3)
    assert (rate.low, rate.high) == pytest.approx((0.2077, 0.9385), abs=1e-4)


def test_planes_keep_what_they_should():
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(2, 1, 6)) * 20 + rng.normal(size=(2, 30, 6))).reshape(60, 6).astype(np.float32)
    points, shares = principal_plane(features)
    centred = features - features.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False) ** 2
    np.testing.assert_allclose(shares, values[:2] / values.sum(), rtol=1e-4)
    np.testing.assert_allclose((points**2).sum(axis=0), values[:2], rtol=1e-4)
    label = np.repeat([0, 1], 30)
    for plane in (points, neighbour_plane(features)):
        assert same_class_rate(nearest(plane, plane, 1, np.arange(60)), label, label).rate == 1
    np.testing.assert_array_equal(neighbour_plane(features), neighbour_plane(features))
    assert principal_plane(features[:, :1])[0].shape == (60, 2)


@pytest.fixture(scope="module")
def found(net, images):
    return strongest(reader(net, ["stem.conv", "blocks.0", "pool"], scaled), images, count=9, batch_size=16)


@pytest.mark.parametrize("layer", ["stem.conv", "blocks.0", "pool"])
def test_the_strongest_images_are_those_of_brute_force(layer, found, outputs):
    own, values = found[layer], np.asarray(outputs[layer])
    for unit in range(values.shape[-1]):
        best = values[..., unit].reshape(50, -1).max(axis=1)
        order = np.argsort(-best, kind="stable")[:9]
        np.testing.assert_allclose(own.values[unit], best[order], rtol=1e-4, atol=1e-6)
        if np.unique(best[order].round(4)).size == 9:
            np.testing.assert_array_equal(own.images[unit], order)
        if values.ndim == 4:
            places = [
                values[(number, *place)][unit]
                for number, place in zip(own.images[unit], own.positions[unit], strict=True)
            ]
            np.testing.assert_allclose(places, own.values[unit], rtol=1e-4, atol=1e-6)


def test_fewer_images_than_asked_for_are_none(net, images):
    own = strongest(reader(net, ["stem"], scaled), images[:2], count=5, batch_size=16)["stem"]
    assert (own.images[:, 2:] == -1).all()
    assert (np.sort(own.images[:, :2], axis=1) == [0, 1]).all()
    assert patches(images[:2], own, 0, layer_outputs(net, (SIDE, SIDE, 1))[0].field)[0].shape == (2, 3, 3, 1)


@pytest.mark.parametrize("layer", ["stem.conv", "blocks.0"])
def test_pixels_outside_of_a_patch_do_not_change_the_unit(layer, net, images, found):
    (row,) = chosen(layer_outputs(net, (SIDE, SIDE, 1)), [layer])
    own, read = found[layer], reader(net, [layer], scaled)
    active = np.flatnonzero(own.values[:, 0] > 0)
    assert len(active) > 1
    for unit in active:
        number, place = own.images[unit][0], own.positions[unit][0]
        rows, columns = row.field.pixels([int(each) for each in place], (SIDE, SIDE))
        changed, inside = 255 - images[number], images[number].copy()
        changed[rows, columns] = inside[rows, columns]
        inside[rows, columns] = 255 - inside[rows, columns]
        values = read(np.stack([images[number], changed, inside]))[layer][:, *place, unit]
        assert values[0] == pytest.approx(float(values[1]), rel=1e-5)
        assert values[0] != pytest.approx(float(values[2]), rel=1e-3)
        shown = patch(images[number], row.field, place)
        assert shown.shape == (*row.field.size, 1)
        np.testing.assert_array_equal(shown[~np.isnan(shown)], images[number][rows, columns].ravel())


def test_a_reconstruction_is_cut_as_its_patch(net, images, found):
    (row,) = chosen(layer_outputs(net, (SIDE, SIDE, 1)), ["blocks.0"])
    given = []

    def reconstruct(whole, unit, positions):
        given.append((whole.shape, unit, positions.shape))
        return whole + 1.0

    plain, beside = patches(images, found["blocks.0"], 2, row.field, reconstruct)
    np.testing.assert_array_equal(beside, plain + 1)
    assert given == [((9, SIDE, SIDE, 1), 2, (9, 2))]
