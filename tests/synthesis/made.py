"""Networks and images for attacks, made up."""

import numpy as np
from flax import nnx

from src.data.batches import Constants
from src.layers.blocks import Flatten
from src.synthesis.classifier import of_module

PLAIN = Constants(np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), 255, np.float32))
COLOURED = Constants(np.array([[[120, 110, 100]]], np.float32), np.array([[[60, 61, 62]]], np.float32))
SHAPE = (6, 6, 3)


class Convolutions(nnx.Module):
    """Two convolutions with what behaves differently in training: batch normalization and dropout."""

    def __init__(self, classes=4, seed=0):
        rngs = nnx.Rngs(seed)
        self.first = nnx.Conv(SHAPE[-1], 8, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.norm.mean[...] = np.linspace(-0.5, 0.5, 8, dtype=np.float32)
        self.second = nnx.Conv(8, 8, (3, 3), strides=2, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(8, classes, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.first(x)))
        return self.head(self.dropout(nnx.relu(self.second(x)).mean(axis=(1, 2))))


def convolutions(classes=4, seed=0):
    return of_module(Convolutions(classes, seed), COLOURED)


def linear(weights):
    """Scores are the products with one image for each class, of pixels from 0 to 1."""
    layer = nnx.Linear(weights[0].size, len(weights), rngs=nnx.Rngs(0))
    layer.kernel[...] = weights.reshape(len(weights), -1).T
    return of_module(nnx.Sequential(Flatten(), layer), PLAIN)


def images(count=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), np.uint8)


def grey(count=5, seed=0):
    """Images so far from black and white that no small change is cut."""
    return np.random.default_rng(seed).uniform(0.4, 0.6, (count, *SHAPE)).astype(np.float32)
