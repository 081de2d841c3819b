"""Kernels that are built for the tests, or an error: their tests never skip."""

import pytest

from src.data.cache import cache_home
from src.operations.library import kernels


@pytest.fixture(scope="session")
def library():
    """The key of the loaded kernels."""
    found = kernels(cache_home() / "kernels")
    assert found is not None, "the kernels could not be built; a C++ compiler is needed"
    return found.key
