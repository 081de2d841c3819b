"""Scale, shift, crop, mirror image, colours: masks and boxes stay with the shapes; what is off changes no bit."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.config.errors import UserError
from src.data.augment import draw_moves, moved
from src.data.boxes import moved_boxes
from src.data.colours import hsv, recoloured, rgb
from src.data.settings import AugmentSettings
from src.data.shapes import bounds, shape
from src.data.zoom import Zoom, zoomed
from src.randomness import stream

SIZE = (32, 44)
ALL = AugmentSettings(crop=3, flip=True, scale=0.3, shift=0.2)
CLASSES = ("circle", "square", "triangle")


@jax.jit
def both(masks, boxes, keys):
    moves = draw_moves(keys, ALL, SIZE)
    present = jnp.ones(boxes.shape[:2], bool)
    return moved(masks, moves, jnp.zeros(SIZE, masks.dtype)), *moved_boxes(boxes, present, moves), moves.zoom.scale


def keys_of(seed, count):
    return jax.random.split(stream(seed, "augmentation"), count)


def sides(box):
    return np.array([box[2] - box[0], box[3] - box[1]])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_the_box_of_a_drawn_shape_remains_its_box(seed):
    """Within a pixel. Of round or pointed shapes only where nothing is cut off, for that may take the outermost."""
    rng = np.random.default_rng(seed)
    places = [(*rng.integers((8, 8), (24, 36)).tolist(), int(rng.integers(2, 8))) for _ in range(24)]
    drawn = [shape(CLASSES[number % 3], SIZE, *place) for number, place in enumerate(places)]
    masks = np.stack(drawn).astype(np.uint8)
    boxes = np.array([[bounds(each)] for each in drawn], np.int32)
    found, moved_to, present, scales = jax.device_get(both(masks, boxes, keys_of(seed, 24)))
    for number, (mask, box, there) in enumerate(zip(found > 0, moved_to[:, 0], present[:, 0], strict=True)):
        square = number % 3 == 1
        # The tip is one pixel wide in one or two rows, which may fall between the columns of a smaller image.
        tip = 0 if square or scales[number] >= 1 else 2 * scales[number]
        whole = np.allclose(sides(box), scales[number] * sides(boxes[number, 0]), atol=0.01)
        if there and (square or whole):
            assert np.abs(np.array(bounds(mask)) - box).max() <= 1 + tip
        elif not there:
            assert (box == 0).all()
            assert min(mask.any(axis=0).sum(), mask.any(axis=1).sum()) <= 2


@pytest.mark.heavy
def test_shapes_do_move_and_some_are_cut():
    masks = np.stack([shape("square", SIZE, 16, 34, 8)] * 60).astype(np.uint8)
    boxes = np.full((60, 1, 4), bounds(masks[0] > 0), np.int32)
    _, moved_to, present, _ = jax.device_get(both(masks, boxes, keys_of(0, 60)))
    heights = (moved_to[:, 0, 2] - moved_to[:, 0, 0]).round(3)
    assert (heights.min(), heights.max()) < (15, 20)
    assert 5 < (moved_to[:, 0, 3] == SIZE[1]).sum() < 30
    assert 10 < (moved_to[:, 0, 1] < 10).sum() < 50  # mirrored
    assert present.all()


def test_what_leaves_the_image_is_there_no_longer():
    moves = draw_moves(keys_of(0, 2), AugmentSettings(), SIZE)
    out = Zoom(jnp.ones(2), jnp.array([[0.0, 0.5], [0.0, -0.5]]))
    boxes = np.array([[[4, 30, 20, 43], [4, 2, 20, 12]]] * 2)
    present = np.array([[True, True], [True, False]])
    found, left = moved_boxes(jnp.asarray(boxes), jnp.asarray(present), moves._replace(zoom=out))
    assert left.tolist() == [[False, True], [True, False]]
    assert found.tolist() == [[[0, 0, 0, 0], [4, 24, 20, 34]], [[4, 8, 20, 21], [0, 0, 0, 0]]]


@pytest.mark.heavy
def test_a_shift_by_whole_pixels_takes_pixels_as_they_are():
    rng = np.random.default_rng(0)
    image, mask = rng.normal(size=(8, 10, 3)).astype(np.float32), rng.integers(1, 9, (8, 10), np.uint8)
    for rows, columns in ((0, 0), (2, -3), (-1, 4)):
        zoom = Zoom(jnp.ones(()), jnp.array([rows / 8, columns / 10]))
        for each in (image, mask):
            expected = np.zeros_like(each)
            to, of = zip(*((slice(max(n, 0), s + min(n, 0)), slice(max(-n, 0), s - max(n, 0)))
                           for n, s in ((rows, 8), (columns, 10))), strict=True)  # fmt: skip
            expected[to] = each[of]
            found = zoomed(jnp.asarray(each), zoom, fill=jnp.zeros_like(each))
            np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(
        zoomed(jnp.asarray(image), Zoom(jnp.ones(()), jnp.zeros(2)), fill=jnp.ones_like(image)), image
    )


def test_an_enlarged_ramp_is_a_flatter_ramp():
    ramp = np.broadcast_to(np.arange(20.0, dtype=np.float32) + 0.5, (6, 20))[..., None]
    found = zoomed(jnp.asarray(ramp), Zoom(jnp.float32(2), jnp.zeros(2)), fill=jnp.full((6, 20, 1), -1.0))
    np.testing.assert_allclose(found[0, :, 0], 10 + (np.arange(20) + 0.5 - 10) / 2, rtol=1e-5)
    half = zoomed(jnp.asarray(ramp), Zoom(jnp.float32(0.5), jnp.zeros(2)), fill=jnp.full((6, 20, 1), -1.0))
    assert (np.asarray(half[3, :, 0]) == -1).sum() == 10
    assert (np.asarray(half[0, :, 0]) == -1).all()


def test_other_changes_draw_what_they_drew_without_the_new_ones():
    keys = keys_of(3, 10)
    old = draw_moves(keys, AugmentSettings(crop=2, flip=True), SIZE)
    new = draw_moves(keys, AugmentSettings(crop=2, flip=True, scale=0.2, hue=0.1), SIZE)
    np.testing.assert_array_equal(old.corners, new.corners)
    np.testing.assert_array_equal(old.mirrored, new.mirrored)
    assert old.zoom is None


def test_hue_saturation_and_value_are_those_of_the_standard_library():
    colours = np.random.default_rng(0).integers(0, 4, (40, 5, 3)).astype(np.float32) / 3  # with greys and ties
    found = np.stack(hsv(jnp.asarray(colours)), axis=-1)
    expected = [[colorsys.rgb_to_hsv(*map(float, pixel)) for pixel in row] for row in colours]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(rgb(*hsv(jnp.asarray(colours))), colours, atol=1e-6)


@pytest.mark.heavy
def test_colours_change_within_their_bounds():
    images = jnp.asarray(np.random.default_rng(0).uniform(0.2, 0.6, (50, 4, 4, 3)), jnp.float32)
    keys = keys_of(0, 50)
    none = recoloured(images, keys, AugmentSettings())
    np.testing.assert_allclose(none, images, atol=1e-6)
    for name, largest in (("saturation", 1.5), ("exposure", 1.5), ("hue", 0.1)):
        changed = recoloured(images, keys, AugmentSettings(**{name: largest}))
        (h, s, v), (h2, s2, v2) = (np.stack(hsv(each)) for each in (images, changed))
        turn = np.abs((h2 - h + 0.5) % 1 - 0.5)
        factors = {"saturation": s2 / s, "exposure": v2 / v}
        others = [factor for other, factor in factors.items() if other != name]
        np.testing.assert_allclose(others, np.ones_like(others), rtol=1e-4)
        if name == "hue":
            assert 0.08 < turn.max() <= 0.1001
        else:
            assert turn.max() < 1e-3
            assert 0.66 < factors[name].min() < 0.8 < 1.3 < factors[name].max() < 1.501


def test_grey_images_have_no_colours(compose):
    with pytest.raises(UserError, match=r"change colours; data.name=digits has inputs of \(8, 8, 1\)"):
        compose("data.augment.crop=1", "data.augment.hue=0.1").dataset()
