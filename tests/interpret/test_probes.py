"""Probes read off what is there: classes that lie on sides of a plane, and not those that do not depend on features."""

import numpy as np

from src.interpret.probes import averaged, probe

RNG = np.random.default_rng(0)


def test_maps_are_averaged_over_a_grid():
    maps = RNG.normal(size=(2, 10, 8, 3)).astype(np.float32)
    found = np.asarray(averaged(maps)).reshape(2, 4, 4, 3)
    np.testing.assert_allclose(found[:, 0, 0], maps[:, :3, :2].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found[:, 3, 3], maps[:, 8:, 6:].mean((1, 2)), rtol=1e-5)
    small = maps[:, :2, :3]
    np.testing.assert_allclose(averaged(small), small.reshape(2, -1), rtol=1e-6)
    np.testing.assert_array_equal(averaged(small[:, 0, 0]), small[:, 0, 0])


def test_a_probe_learns_what_is_linear_and_nothing_else():
    features, others = RNG.normal(size=(400, 5)).astype(np.float32), RNG.normal(size=(400, 5)).astype(np.float32)

    def linear(points):
        return (points[:, 0] > points[:, 1]).astype(int)

    def corners(points):
        return (points[:, 0] * points[:, 1] > 0).astype(int)

    assert probe(features, linear(features), others, linear(others)).mean() > 0.93
    assert 0.4 < probe(features, corners(features), others, corners(others)).mean() < 0.6
