import numpy as np
from sklearn.datasets import load_digits

from src.data.digits import TEST_EXAMPLES
from src.data.examples import Examples, canonical_order, checksum, labelled


def random_split(seed, count=50):
    rng = np.random.default_rng(seed)
    return labelled(rng.integers(0, 256, (count, 4, 4, 1), dtype=np.uint8), rng.integers(0, 3, count).astype(np.int32))


def test_the_canonical_order_is_the_same_wherever_examples_come_from():
    split = random_split(0)
    order = np.random.default_rng(1).permutation(len(split))
    shuffled = labelled(split.inputs[order], split.targets["label"][order])
    one, other = canonical_order(split), canonical_order(shuffled)
    np.testing.assert_array_equal(one.inputs, other.inputs)
    np.testing.assert_array_equal(one.targets["label"], other.targets["label"])


def test_the_checksum_sees_every_pixel_and_label():
    train, test = random_split(0), random_split(1)
    before = checksum(Examples(train, test, ("a", "b", "c")))
    test.inputs[7, 1, 2, 0] ^= 1
    assert checksum(Examples(train, test, ("a", "b", "c"))) != before
    test.inputs[7, 1, 2, 0] ^= 1
    train.targets["label"][3] += 1
    assert checksum(Examples(train, test, ("a", "b", "c"))) != before


def test_digits_are_those_of_scikit_learn(compose):
    dataset, digits = compose().dataset(), load_digits()
    grey = np.round(digits.images * 255 / 16).astype(np.uint8)
    expected = sorted((image.tobytes(), label) for image, label in zip(grey, digits.target, strict=True))
    found = [
        (image.tobytes(), label)
        for split in (dataset.train, dataset.validation, dataset.test)
        for image, label in zip(split.inputs, split.targets["label"], strict=True)
    ]
    assert sorted(found) == expected


def test_digits_are_divided_without_loss_and_with_every_class(compose):
    dataset = compose().dataset()
    assert [dataset.spec.train, dataset.spec.validation, dataset.spec.test] == [1300, 137, TEST_EXAMPLES]
    assert set(dataset.test.targets["label"].tolist()) == set(range(10))
    images = {image.tobytes() for split in (dataset.train, dataset.validation, dataset.test) for image in split.inputs}
    assert len(images) == 1797
