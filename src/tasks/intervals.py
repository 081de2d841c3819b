"""How sure a measured share is."""

from math import sqrt

NORMAL_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212)."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, NORMAL_95**2
    centre = share + z2 / (2 * trials)
    half = NORMAL_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    low, high = (centre - half) / (1 + z2 / trials), (centre + half) / (1 + z2 / trials)
    return max(low, 0.0), min(high, 1.0)  # rounding leads out of it where none or all succeed
