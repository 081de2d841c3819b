"""Settings made in Python have the values that the configurations have."""

import pytest
import yaml

from src.config.place import CONF
from src.data.settings import AugmentSettings
from src.tasks.adversarial import AdversarialClassification
from src.tasks.classification import Classification
from src.tasks.squared_error import SquaredError
from src.training.optimizers.adamw import AdamW
from src.training.settings import EvaluationSettings, TrainSettings

FILES = {
    "data/augment/standard": AugmentSettings,
    "task/classification": Classification,
    "task/squared_error": SquaredError,
    "task/adversarial": AdversarialClassification,
    "optimizer/adamw": AdamW,
}


def values():
    for name, cls in FILES.items():
        yield name, cls, yaml.safe_load((CONF / f"{name}.yaml").read_text())
    train = yaml.safe_load((CONF / "train.yaml").read_text())
    yield "train", TrainSettings, train["train"]
    yield "eval", EvaluationSettings, train["eval"]


@pytest.mark.parametrize(
    ("name", "cls", "configured"), list(values()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_defaults_are_those_of_the_configurations(name, cls, configured):
    fields = {key: field.default for key, field in cls.model_fields.items() if not field.is_required()}
    assert fields
    assert {key: configured[key] for key in fields} == fields
