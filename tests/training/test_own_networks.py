"""Networks of one's own: what is supported is exact, and every fault is one line before anything is written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.training.check import check_network
from src.training.engine import Engine
from src.training.state import state_sha256
from tests.models.own import OwnSettings
from tests.training.trained import largest_difference, trained

OWN = ("trust=tests", "~model.depth", "~model.shortcut", "~model.width", "+model._target_=tests.models.own.OwnSettings")


@pytest.fixture
def own(compose):
    """Builds an engine of one of these networks."""

    def build(kind, *arguments):
        settings = compose(
            *OWN, f"model.kind={kind}", "data.augment=null", "data.batch_size=40", "train.duration=10steps",
            "parallel.devices=1", *arguments,
        )  # fmt: skip
        return Engine(settings)

    return build


@pytest.mark.heavy
def test_dropout_of_flax_is_that_of_the_project(own):
    theirs, ours = (trained(own(kind))[0] for kind in ("Flax", "Ours"))
    assert state_sha256(theirs) == state_sha256(ours)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", [pytest.param("Flax", marks=pytest.mark.slow), "Noisy"])
def test_what_is_random_depends_on_the_example_alone(own, kind):
    alone = trained(own(kind))[0]
    for arguments in (("parallel.devices=8",), ("parallel=pmap", "parallel.devices=2"), ("train.accumulation=4",)):
        assert largest_difference(alone, trained(own(kind, *arguments))[0]) < 1e-5
    assert largest_difference(alone, trained(own(kind, "seed=1"))[0]) > 1e-3


@pytest.mark.heavy
def test_constants_are_in_the_network_that_comes_out(own):
    engine = own("Flax")
    module, x = engine.network.module(engine.init_state()), jnp.ones((3, 8, 8, 1))
    assert (module.scales == 2).all()
    assert (module.table.get_value() == 0.5).all()
    parameters, batch_stats = engine.init_state().scored()
    np.testing.assert_allclose(module(x), engine.network(parameters, batch_stats, x), rtol=1e-6)
    assert jax.tree.structure(parameters) == jax.tree.structure({"body": {"layers": {0: {"bias": 0, "kernel": 0}}},
                                                                 "head": {"bias": 0, "kernel": 0}})  # fmt: skip


FAULTS = {
    "Whole": "parameter order holds int32, which has no gradient; make it an nnx.Variable",
    "Stream": r"noise draws random numbers that would depend on batches .*; nnx\.Dropout may, and .*\.RandomLayer",
    "Counting": "changes table, a plain Variable, when it is used; .* is an nnx.BatchStat",
    "Changing": "changes scales, a plain array, when it is used",
    "Growing": "changes number, shape or type of its running statistics",
    "BatchDropout": "takes the same values from all examples of a batch would depend on the batch",
    "WrongInside": r"layer head, a Linear, cannot take 32: .*\(32,\) and \(33,\)",
    "WrongReshape": r"the network of OwnSettings fails at .*own\.py, line \d+: TypeError: cannot reshape array",
    "Misspelt": r"fails at .*own\.py, line \d+: AttributeError: 'Misspelt' object has no attribute 'haed'",
    "TooMany": r"gives \(2, 13\) for 2 examples, where \(2, 10\) is needed",
    "TooFew": r"gives \(2, 7\) for 2 examples, where \(2, 10\) is needed",
    "Pair": r"gives \(\(2, 10\), \(2, 8, 8, 1\)\) for 2 examples, where \(2, 10\) is needed",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_one_line(kind, compose):
    with pytest.raises(UserError, match=FAULTS[kind]) as caught:
        check_network(OwnSettings(kind=kind), compose().dataset().spec, compose().task)
    assert "\n" not in str(caught.value)


MINE = """
from tests.models.own import OwnSettings
class Mine(OwnSettings): ...
"""


@pytest.fixture
def folder(tmp_path):
    """A person's own folder: a module, and a configuration that names it."""
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "conf/model/mine.yaml").write_text("_target_: mine.Mine\nkind: Flax\n")
    return tmp_path


@pytest.mark.heavy
def test_what_stands_beside_ones_configurations_is_found(command, folder):
    own = ("--config-dir", str(folder / "conf"), "model=mine", "trust=[mine,tests]")
    assert "2,410 trainable" in command("src.summary", *own, "data=digits").stdout
    short = (*own, "train.duration=2steps", "tracking.progress=none")
    command("src.train", "-m", *short, "seed=0,1", "hydra/launcher=processes", "hydra.launcher.n_jobs=2")
    command("src.train", "-m", *short, "seed=2", "hydra/launcher=submitit_local")
    assert len(list((folder / "runs").glob("mine-digits-*/results.json"))) == 3


@pytest.mark.heavy
@pytest.mark.parametrize("dry", ["true", "false"])
def test_training_and_dry_run_refuse_alike_and_make_nothing(command, folder, dry):
    own = ("--config-dir", str(folder / "conf"), "model=mine", "trust=[mine,tests]", f"dry_run={dry}")
    for kind in ("WrongInside", "TooFew", "Stream"):
        done = command("src.train", *own, f"model.kind={kind}", check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert not (folder / "runs").exists()


@pytest.mark.heavy
def test_a_module_that_is_not_found_or_broken_is_one_line(compose, tmp_path, monkeypatch):
    def refused(target):
        with pytest.raises(UserError) as caught:
            compose("trust=[broken,lacking,nowhere]", f"+model._target_={target}")
        return str(caught.value)

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "lacking.py").write_text("import not_installed_here")
    assert "where nowhere is elsewhere, begin the command with PYTHONPATH=FOLDER" in refused("nowhere.Mine")
    assert refused("broken.Mine").endswith("'broken.Mine' cannot be imported: ZeroDivisionError: division by zero")
    assert refused("lacking.Mine").endswith("cannot be imported: No module named 'not_installed_here'")
    assert refused("src.models.vgg.Mine").endswith("'src.models.vgg.Mine': classes of this project are chosen by kind")
