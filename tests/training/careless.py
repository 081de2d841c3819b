"""What a person can get wrong in Python: `python -m tests.training.careless RUN` prints what is not one clear line.

A program of its own, since the tests themselves check types where a notebook does not.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optax

from src.config.errors import UserError
from src.data.examples import Split, labelled
from src.training.fit import fit, load_data
from src.training.load_run import load_run
from tests.training.test_fit import Small

Cases = Iterator[tuple[str, Callable[[], Any]]]
DIGITS = load_data("digits")
IMAGES, LABELS = DIGITS.train.inputs, DIGITS.train.targets["label"]


def of_fit() -> Cases:
    """What is said of arguments of `fit`."""
    file = Path(tempfile.mkdtemp()) / "file"
    file.write_text("not a run")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("inputs is float64", {"data": (IMAGES / 255, LABELS)}),
        (r"inputs is uint8 \(8, 8, 1\)", {"data": (IMAGES[0], LABELS[:1])}),
        (r"labels are int32 \(10,\); whole numbers \(1300,\)", {"data": (IMAGES, LABELS[:10])}),
        (r"labels are float64 \(1300,\)", {"data": (IMAGES, LABELS + 0.5)}),
        (r"labels are int32 \(1300, 1\)", {"data": (IMAGES, LABELS[:, None])}),
        ("has the class -1; there are 9", {"data": (IMAGES, LABELS - 1)}),
        ("more than the 0 training examples", {"data": (IMAGES[:0], LABELS[:0])}),
        ("not a str", {"data": "digits"}),
        ("not a tuple", {"data": (IMAGES, LABELS, LABELS)}),
        ("not the class Small", {"module": Small}),
        ("not of type float", {"optimizer": 0.1}),
        (r"or settings=\['task=segmentation'\]; not 'segmentation'", {"task": "segmentation"}),
        ("name is empty", {"name": None}),
        ("normalize=chanel: should be", {"normalize": "chanel"}),
        ("batch_size=0: should be", {"batch_size": 0}),
        ("batch_size=65 does not divide", {"batch_size": 65, "settings": "train.accumulation=2"}),
        ("augment=standard: should be", {"augment": "standard"}),
        ("has its argument data", {"settings": ["data.validation=10"]}),
        ("has its argument optimizer", {"settings": ["schedule=cosine"]}),
        ("has its argument run_dir", {"settings": ["hydra.run.dir=x"]}),
        ("dry_run=true are for python -m src.train", {"settings": ["dry_run=true"]}),
        ("no validation split", {"data": (IMAGES, LABELS), "settings": ["train.patience=2steps"]}),
        ("no test split", {"data": (IMAGES, LABELS), "settings": ["eval.test_curve=true"]}),
        ("cannot write the run directory", {"run_dir": file}),
    ]
    right = {"module": Small(), "data": DIGITS, "optimizer": optax.sgd(0.1), "duration": "2 steps"}
    for said, arguments in wrong:
        yield said, partial(fit, **right | arguments)


def of_loaded(run: str) -> Cases:
    """What is said of what a loaded run is asked for."""
    loaded, (inputs, labels) = load_run(run), (DIGITS.test.inputs, DIGITS.test.targets["label"])
    for step in ("bset", "20", 20.0):
        yield "should be best or the number of a step; kept are 20", partial(load_run, run, step=step)
    for other in (inputs[0], {"images": inputs}, None, [np.zeros(3), np.zeros(4)]):
        yield "^inputs", partial(loaded.predict, other)
    data: list[tuple[str, Any]] = [
        (r"split=tset: this is no split; did you mean 'test'", "tset"),
        (r"not a Dataset", DIGITS),
        (r"there are no examples", DIGITS.test[:0]),
        (r"inputs are float64", labelled(inputs / 255, labels)),
        (r"has no target label; it has none", Split(inputs, {})),
        (r"label of the given split has the shape \(5,\), where \(360,\)", Split(inputs, {"label": labels[:5]})),
        (r"has the class 14; there are 10", labelled(inputs, labels + 5)),
        (r"has the class -1", labelled(inputs, labels - 1)),
        (r"the target label is float64", labelled(inputs, labels.astype(float))),
    ]
    for said, each in data:
        yield said, partial(loaded.evaluate, each)


def main() -> None:
    """Prints what is not refused, and what is refused in other words."""
    for said, call in (*of_fit(), *of_loaded(sys.argv[1])):
        try:
            call()
            print(f"not refused: {said}")
        except UserError as error:
            if not re.search(said, str(error)) or "\n" in str(error):
                print(f"{said}: {error}")


if __name__ == "__main__":
    main()
