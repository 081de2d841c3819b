"""The best checkpoint, early stopping, and runs loaded at a step."""

import json
import shutil

import numpy as np
import pytest

from src import evaluate
from src.config.errors import UserError
from src.studies.runs import planned
from src.tasks.metrics import Metric, mean
from src.training.best import Best
from src.training.load_run import load_run
from src.training.run import run
from tests.training.trained import trained

ARGUMENTS = (
    "model=linear", "data.batch_size=40", "eval.every=3steps", "train.log_every=3steps", "checkpoint.every=9hours",
    "tracking.tensorboard=false", "schedule=constant",
)  # fmt: skip


def rows(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def best_step(path):
    scores = {row["step"]: row["validation_accuracy"] for row in rows(path) if "validation_accuracy" in row}
    return max(scores, key=lambda step: (scores[step], -step))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run whose last steps spoil it, so that its best checkpoint is an earlier one."""
    directory = tmp_path_factory.mktemp("runs") / "run"
    own = planned([*ARGUMENTS, "train.duration=30steps", "optimizer.learning_rate=0.5", "optimizer.momentum=0.99",
                   "checkpoint.best=true", "checkpoint.keep=1", f"hydra.run.dir={directory}"])  # fmt: skip
    run(own.settings, own.config, directory)
    return directory


def test_the_first_of_the_best_scores_counts():
    best = Best(
        Metric("loss", lambda outputs, batch: {}, mean("loss"), "minimize"),
        [{"step": 1, "validation_loss": 2.0}, {"step": 2, "train_loss": 0.0}],
    )
    best.update({"step": 3, "validation_loss": float("nan")})
    best.update({"step": 4, "validation_loss": 1.0})
    best.update({"step": 5, "validation_loss": 1.0})
    assert (best.step, best.value) == (4, 1.0)


def test_a_score_that_is_not_finite_is_never_the_best():
    values = [float("nan"), float("inf"), 0.5, 0.7]
    rows = [{"step": step, "validation_accuracy": value} for step, value in enumerate(values)]
    assert Best(Metric("accuracy", lambda outputs, batch: {}, mean("correct"), "maximize"), rows).step == 3


@pytest.mark.heavy
def test_the_checkpoint_with_the_best_score_stays_beside_the_latest(made):
    best = best_step(made)
    assert best < 30
    assert load_run(made).checkpoints.steps() == [best, 30]
    scored = load_run(str(made), step="best")
    assert int(scored.state.step) == best
    found = scored.engine.evaluate(scored.state, "validation")["accuracy"]
    assert found == max(row["validation_accuracy"] for row in rows(made) if "validation_accuracy" in row)


@pytest.mark.heavy
def test_a_run_is_scored_at_its_best_step_by_the_command(made, monkeypatch, capsys):
    for step in ("best", str(best_step(made))):
        monkeypatch.setattr("sys.argv", ["evaluate", f"run={made}", "split=validation", f"step={step}"])
        evaluate.main()
        assert json.loads(capsys.readouterr().out)["step"] == best_step(made)


def test_a_step_that_was_not_kept_names_the_nearest(made):
    with pytest.raises(UserError, match=r"step=29: .* has no checkpoint of this step; nearest: 30"):
        load_run(made, step=29)


def test_a_run_that_is_not_finished_is_loaded_at_its_latest_checkpoint(made, tmp_path):
    unfinished = tmp_path / "unfinished"
    shutil.copytree(made, unfinished)
    (unfinished / "results.json").unlink()
    assert int(load_run(unfinished).state.step) == 30
    shutil.rmtree(unfinished / "checkpoints")
    with pytest.raises(UserError, match="has no checkpoint yet; it is not finished"):
        load_run(unfinished)
    with pytest.raises(UserError, match=r"step=best: .* has no checkpoint yet"):
        load_run(unfinished, step="best")


def test_the_best_of_an_unfinished_run_is_one_that_it_has_saved(made, tmp_path):
    """Its history may already have a better score, whose checkpoint was not written when it was killed."""
    killed = tmp_path / "killed"
    shutil.copytree(made, killed)
    (killed / "results.json").unlink()
    with (killed / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 33, "validation_accuracy": 1.0}) + "\n")
    assert int(load_run(killed, step="best").state.step) == best_step(made)


@pytest.mark.parametrize("step", ["bset", "-1", ""])
def test_what_is_no_step_is_one_sentence_of_the_command(made, monkeypatch, capsys, step):
    monkeypatch.setattr("sys.argv", ["evaluate", f"run={made}", f"step={step}"])
    with pytest.raises(SystemExit):
        evaluate.main()
    assert capsys.readouterr().err.endswith(": should be best or the number of a step\n")


def test_a_best_step_that_was_not_kept_says_how_to_keep_it(made, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(made, other)
    shutil.rmtree(other / "checkpoints" / str(best_step(made)))
    with pytest.raises(UserError, match=r"did not keep step \d+; train with checkpoint.best=true"):
        load_run(other, step="best")


@pytest.mark.heavy
def test_training_ends_when_the_score_has_not_improved_for_long_enough(tmp_path):
    arguments = (*ARGUMENTS, "optimizer.learning_rate=1e-9", "train.duration=60steps", "train.patience=9steps")
    whole = planned([*arguments, f"hydra.run.dir={tmp_path / 'whole'}"])
    results = run(whole.settings, whole.config, whole.directory.path)
    best = best_step(whole.directory.path)
    assert results["steps"] == best + 9 < 60

    cut = planned([*arguments, f"hydra.run.dir={tmp_path / 'cut'}"])
    shutil.copytree(whole.directory.path, cut.directory.path)
    (cut.directory.path / "results.json").unlink()  # it was killed between its last step and its results
    (cut.directory.path / "preprocessing.json").write_text("damaged")
    again = run(cut.settings, cut.config, cut.directory.path)
    assert again["state_sha256"] == results["state_sha256"]
    assert again["steps"] == results["steps"]
    assert load_run(cut.directory.path).engine.spec == load_run(whole.directory.path).engine.spec


def test_patience_belongs_to_what_defines_a_run(compose):
    from src.runs.identity import run_hash

    assert run_hash(compose()) == run_hash(compose("train.patience=null", "checkpoint.best=true"))
    assert run_hash(compose()) != run_hash(compose("train.patience=9epochs"))


@pytest.mark.heavy
def test_without_a_better_score_but_with_patience_all_steps_are_taken(engine):
    state, _ = trained(engine("parallel.devices=1", "train.patience=1000steps"))
    assert int(np.asarray(state.step)) == 20


@pytest.mark.heavy
def test_the_end_does_not_depend_on_the_length_of_a_dispatch(engine):
    """The patience ends between two evaluations: where a dispatch ends there says nothing of the run."""
    arguments = (
        "parallel.devices=1", "optimizer.learning_rate=1e-9", "train.duration=60steps", "eval.every=6steps",
        "train.patience=8steps", "train.log_every=60steps", "checkpoint.every=9hours", "schedule=constant",
    )  # fmt: skip
    steps = [int(trained(engine(*arguments, f"train.steps_per_dispatch={n}"))[0].step) for n in (1, 6)]
    assert steps[0] == steps[1]
    assert steps[0] % 6 == 0


@pytest.mark.parametrize("argument", ["train.patience=3epochs", "checkpoint.best=true"])
def test_nothing_is_decided_without_a_validation_split(argument):
    with pytest.raises(UserError, match=rf"{argument[:13]}.*no validation split to decide by; data.validation="):
        planned(["data.validation=0", argument])
