"""What is drawn into pictures: boxes where they are, classes in colours that differ."""

import numpy as np

from src.prediction.drawing import OVERLAY, with_box, with_classes
from src.tracking.palette import COLORS, class_colors


def test_every_class_has_a_colour_of_its_own():
    colors = class_colors(40).astype(int)
    assert colors[1].tolist() == [0xE0, 0x7A, 0x5F]
    apart = np.abs(colors[:, None] - colors[None]).max(-1)[~np.eye(40, dtype=bool)]
    assert apart.min() > 8
    np.testing.assert_array_equal(class_colors(3), colors[:3])
    assert len(COLORS) == 8


def test_a_box_is_drawn_where_it_is_and_nothing_inside_is_changed():
    grey = np.full((40, 80, 1), 90, np.uint8)
    picture = with_box(grey, np.array([0.25, 0.5, 0.75, 0.75]), "cat 97%")
    assert picture.shape == (160 + 24, 320, 3)
    coloured = (picture[:160] != 90).any(-1)
    rows, columns = np.nonzero(coloured)
    assert np.abs(np.array([rows.min(), columns.min(), rows.max(), columns.max()]) - (40, 160, 120, 240)).max() <= 3
    assert not coloured[48:112, 168:232].any()
    assert (picture[160:] < 100).any()  # the text


def test_pixels_are_in_the_colours_of_their_classes():
    image, mask = np.full((8, 8, 3), 200, np.uint8), np.zeros((8, 8), int)
    mask[:, 4:] = 1
    picture = with_classes(image, mask, ("road", "car"), ("", "car 50.0%"))
    assert picture.shape == (320 + 18 + 6, 320, 3)
    for column, label in ((10, 0), (300, 1)):
        expected = np.round((1 - OVERLAY) * 200 + OVERLAY * class_colors(2)[label])
        np.testing.assert_array_equal(picture[10, column], expected)
    assert (picture[320:] == class_colors(2)[1]).all(-1).sum() > 50
    assert not (picture[320:] == class_colors(2)[0]).all(-1).any()
