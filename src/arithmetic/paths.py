"""How many paths a residual network has (Veit, Wilber, Belongie 2016, arXiv:1605.06431; chapter Figs 37 and 38).

A path goes through the branch of each module or around it, so n modules make 2^n paths, and C(n, k) of them go through
k branches: the lengths of all paths are distributed as Binomial(n, 1/2).
"""

from fractions import Fraction
from math import comb


def path_counts(modules: int) -> list[int]:
    """The number of paths of each length, from 0 to that of the modules; exact."""
    return [comb(modules, length) for length in range(modules + 1)]


def path_share(modules: int, shortest: int, longest: int) -> Fraction:
    """The share of all paths whose lengths are between two, both included."""
    return Fraction(sum(path_counts(modules)[shortest : longest + 1]), 2**modules)
