"""The newcomer's page keeps up with the code."""

from pathlib import Path

from src.config.compose import CONF, composed_jobs, without

README = (Path(__file__).parents[1] / "README.md").read_text()


def leaves(config, prefix=""):
    for name, value in config.items():
        if hasattr(value, "items"):
            yield from leaves(value, f"{prefix}{name}.")
        elif name != "_target_":
            yield f"{prefix}{name}"


def test_every_setting_is_in_the_table():
    (job,) = composed_jobs("train", ["+profile=quick"])
    missing = [key for key in leaves(without(job, "hydra")) if f"`{key}`" not in README]
    assert missing == []


def test_every_experiment_is_named():
    for path in (CONF / "experiment").glob("*.yaml"):
        name = path.stem
        plain = name.replace("110", "20").replace("56", "20").replace("44", "20").replace("32", "20")
        assert f"`{name}`" in README or plain in {"resnet20_noskip", "resnet20_noskip_li"}
