"""The numbers of README.md."""

from tests.numbers.speed import on_a_gpu, on_cpus
from tests.numbers.surfaces import valley

SAID = [valley(), *on_cpus(), *on_a_gpu()]
GIVEN = ["need Python 3.11 to 3.13"]
