"""Prepares a TFDS data set: `python -m src.data.prepare cifar10`, or `make data NAME=cifar10`.

Preparing needs TensorFlow, reading does not. So it is done once, in an environment that is thrown away afterwards.
"""

import subprocess
import sys
import tempfile
import venv
from importlib.metadata import version
from pathlib import Path

from ..config.errors import UserError, reported

TENSORFLOW = ("tensorflow-cpu>=2.20", "importlib_resources")
PREPARE = """
import sys, tensorflow_datasets as tfds
builder = tfds.builder(sys.argv[1], file_format="array_record")
builder.download_and_prepare()
print(f"{builder.info.full_name} is prepared in {builder.data_dir}")
"""


def prepare(name: str) -> None:
    """Downloads a data set and writes it as array_record files to `$TFDS_DATA_DIR` or TFDS's own directory.

    Raises:
        UserError: TensorFlow cannot be installed, or TFDS cannot prepare the set; with its last line of explanation.
    """
    with tempfile.TemporaryDirectory(prefix="tfds-") as home:
        print("installing TensorFlow into a throw-away environment")
        venv.create(home, with_pip=True)
        python = str(Path(home) / "bin" / "python")
        tfds = f"tensorflow-datasets=={version('tensorflow-datasets')}"
        _run([python, "-m", "pip", "install", "--quiet", *TENSORFLOW, tfds, f"array-record=={version('array-record')}"])
        print(f"preparing {name}")
        print(_run([python, "-c", PREPARE, name]).strip().splitlines()[-1])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return done.stdout


def main() -> None:
    """Reads the name from the command line."""
    with reported():
        if len(sys.argv) != 2:
            raise UserError("name one data set, like: python -m src.data.prepare cifar10")
        prepare(sys.argv[1])


if __name__ == "__main__":
    main()
