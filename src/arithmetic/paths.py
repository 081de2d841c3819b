"""Numbers of paths through a residual network (Veit, Wilber, Belongie 2016, arXiv:1605.06431; chapter Figs 37 and 38).

At each module a path takes the branch or the shortcut. So n modules make 2^n paths, of which C(n, k) take k branches:
path lengths follow the distribution Binomial(n, 1/2).
"""

from fractions import Fraction
from math import comb


def path_counts(modules: int) -> list[int]:
    """The exact number of paths of each length, from 0 to the number of modules."""
    return [comb(modules, length) for length in range(modules + 1)]


def path_share(modules: int, shortest: int, longest: int) -> Fraction:
    """The share of all paths with lengths from `shortest` to `longest`, both included."""
    return Fraction(sum(path_counts(modules)[shortest : longest + 1]), 2**modules)
