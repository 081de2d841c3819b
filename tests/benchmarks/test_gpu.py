"""`make gpu`: rows that come one by one, go on after an interruption, and are told of on a page."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from benchmarks.gpu import page, recipes, switches, wanted, work
from benchmarks.gpu.__main__ import check_root, with_data
from benchmarks.gpu.parts import PARTS, at_once, row_of
from benchmarks.gpu.rows import Place, Row
from benchmarks.gpu.states import half, read_state, write_state
from benchmarks.gpu.together import best
from benchmarks.noise import noise_engine
from src.config.errors import UserError
from src.training.interruption import Interrupted, Interruption
from tests.conftest import ROOT

ROWS = [Row("steps", name, 1, 1.0) for name in ("first", "second", "third")]
WHERE = {"device": "a device", "devices": 1, "machine": "x", "jax": "0", "commit": "0123456789ab", "dirty": False}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "results", tmp_path / "runs", 0.01)


@pytest.fixture
def begun(monkeypatch, place):
    """Rows are written by small programs; gives the names of those that were begun, in their order."""
    names = []

    def command(part, name, place, at_once):
        names.append(name)
        file = place.results / part / f"{name}.json"
        record = {"part": part, "name": name, "revision": 1, "scale": 0.01, "where": WHERE, "figures": {}, "seconds": 1}
        write = f"from pathlib import Path; file = Path({str(file)!r}); file.parent.mkdir(parents=True, exist_ok=True)"
        programs = {"broken": "print('it is\\nbroken'); raise SystemExit(1)", "slow": "import time; time.sleep(60)"}
        program = programs.get(name, f"{write}; file.write_text({json.dumps(record)!r})")
        return [sys.executable, "-c", program]

    monkeypatch.setattr(work, "command", command)
    return names


def test_rows_that_are_there_are_not_measured_again(place, begun):
    assert work.work_off(ROWS[:2], place, None)
    assert begun == ["first", "second"]
    assert work.work_off(ROWS, place, None)
    assert begun == ["first", "second", "third"]


def test_another_revision_or_scale_is_another_row(place, begun):
    work.work_off(ROWS[:1], place, None)
    assert place.measured(ROWS[0])
    assert not place.measured(ROWS[0]._replace(revision=2))
    assert not place._replace(scale=1.0).measured(ROWS[0])


def test_other_devices_have_rows_of_their_own(tmp_path, begun):
    one, other = (Place(tmp_path / name, tmp_path / "runs", 0.01) for name in ("one", "other"))
    work.work_off(ROWS[:1], one, None)
    before = one.file(ROWS[0]).read_bytes()
    work.work_off(ROWS[:1], other, None)
    assert begun == ["first", "first"]
    assert one.file(ROWS[0]).read_bytes() == before
    assert other.measured(ROWS[0])


def test_a_row_that_fails_is_told_and_tried_again_last(place, begun, capsys):
    broken = Row("steps", "broken", 1, 1.0)
    assert not work.work_off([broken, *ROWS[:1]], place, None)
    assert capsys.readouterr().err.splitlines()[0].startswith("steps: broken: failed after")
    assert place.record(broken)["failed"] == "broken"
    assert work.missing([broken, *ROWS], place) == [*ROWS[1:], broken]


def test_what_there_is_no_time_for_is_not_begun(place, begun, capsys):
    long = Row("steps", "long", 1, 100_000.0)
    work.work_off([long, *ROWS[:1]], place, work.SAVING + work.START + 100)
    assert begun == ["first"]
    assert "left for another time: steps: long" in capsys.readouterr().err
    with pytest.raises(UserError, match="seconds=20: the shortest of the rows that are missing needs about 1025"):
        work.check_time([long, *ROWS[:1]], place, 20)
    work.check_time(ROWS[:1], place, 20)  # nothing is missing


def test_what_takes_too_long_is_stopped_in_time(place, begun, capsys):
    slow = Row("steps", "slow", 1, 0.0)
    began = time.perf_counter()
    work.work_off([slow], place, work.SAVING + work.START + 1)
    assert time.perf_counter() - began < work.START + 10
    assert "steps: slow: stopped after" in capsys.readouterr().err
    assert place.record(slow) is None


def test_a_wish_to_stop_reaches_all_processes(place, begun):
    wish = Interruption()
    wish.signal = signal.SIGTERM
    with pytest.raises(Interrupted):
        work.measure([Row("steps", "slow", 1, 0.0)], place, float("inf"), wish)


@pytest.mark.heavy
def test_a_process_ends_with_the_one_that_started_it():
    program = "from benchmarks.gpu.child import end_with_parent; end_with_parent()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, cwd=ROOT)
    child.stdin.close()
    assert child.wait(timeout=60) == -signal.SIGTERM


def test_a_damaged_row_is_told(place):
    file = place.file(ROWS[0])
    file.parent.mkdir(parents=True)
    for content in ("{", "[]", '{"steps": 1}'):
        file.write_text(content)
        with pytest.raises(UserError, match="damaged, or no row of ours"):
            place.record(ROWS[0])


def test_processes_at_once(place):
    assert best({1: 100.0, 2: 105.0, 4: 109.0}) == 1
    assert best({1: 100.0, 2: 105.0, 4: 130.0}) == 4
    assert best({1: 100.0, 2: 150.0, 4: 160.0}) == 2
    recipe = row_of("recipes", "resnet20")
    assert at_once(place, recipe) == 1
    place.write(row_of("recipes", recipes.AT_ONCE), figures={"best": 4})
    assert at_once(place, recipe) == 4
    assert at_once(place._replace(scale=1.0), row_of("steps", "resnet20")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scale=2"], "1 is all of the work"),
        (["scale=nan"], "scale=nan: should be a number above 0"),
        (["seconds=-1"], "seconds=-1: should be a number above 0"),
        (["second=1"], "did you mean 'seconds'"),
        (["step"], "did you mean 'steps'"),
    ],
)
def test_a_careless_command_line(arguments, words):
    with pytest.raises(UserError, match=words):
        wanted.read(arguments, tuple(PARTS))


def test_parts_keep_their_order():
    assert wanted.read(["rest", "steps", "seconds=9"], tuple(PARTS)) == (1.0, 9.0, ("steps", "rest"))
    assert wanted.read([], tuple(PARTS)).parts == tuple(PARTS)


@pytest.mark.heavy
def test_no_gpu_is_one_line(command, tmp_path):
    done = command("benchmarks.gpu", f"output={tmp_path}/out", check=False, JAX_PLATFORMS="cpu")
    assert done.returncode == 2
    assert done.stderr == "error: JAX sees no GPU here (cpu); make gpu SCALE=.01 rehearses what it would measure\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_stays_as_it_is(tmp_path, place):
    check_root(tmp_path)
    (tmp_path / "gpu.md").write_text("mine")
    with pytest.raises(UserError, match="which is not ours; name another folder: output=FOLDER"):
        check_root(tmp_path)
    place._replace(results=tmp_path / "cpu").write(ROWS[0], figures={})
    check_root(tmp_path)
    (tmp_path / "cpu/steps/second.json").write_text("{}")
    with pytest.raises(UserError, match="no row of ours"):
        check_root(tmp_path)


def test_recipes_wait_for_their_data(place, tmp_path, monkeypatch, capsys):
    rows, whole = list(PARTS["recipes"].rows), place._replace(scale=1.0)
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path))
    assert [row.name for row in with_data(rows, whole)] == [recipes.AT_ONCE]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"recipes are left out, for CIFAR-10 is not in {tmp_path}; python -m src.train ")
    assert with_data(rows, place) == rows, "a rehearsal trains on digits"
    (tmp_path / "cifar10-original").mkdir()
    assert with_data(rows, whole) == rows


@pytest.mark.heavy
def test_flags_are_known_to_xla():
    flags = " ".join(switch.flags for switch in switches.SWITCHES.values())
    program = "import jax; jax.devices()"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    wrong = environment | {"XLA_FLAGS": f"{flags} --xla_gpu_no_such_flag=1"}
    assert subprocess.run([sys.executable, "-c", program], env=wrong, capture_output=True).returncode != 0


@pytest.fixture
def changed(monkeypatch):
    """The program of a training step with one thing changed."""
    matmul, cache = jax.config.jax_default_matmul_precision, jax.config.jax_compilation_cache_dir
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", ""))

    def program(name):
        from unittest.mock import patch

        switches.SWITCHES[name].change()
        try:
            run = switches.engine_of(switches.SWITCHES[name], whole=False)
            arguments = run.init_state(), run.zero_sums(), run.split("train"), run.order(0), np.int32(1)
            return run.dispatch.lower(*arguments).as_text(), run
        finally:
            patch.stopall()

    yield program
    jax.config.update("jax_default_matmul_precision", matmul)
    jax.config.update("jax_compilation_cache_dir", cache)


@pytest.mark.heavy
def test_a_switch_changes_what_it_says(changed):
    assert "rsqrt" not in changed("no normalization")[0]
    base, run = changed(switches.BASE)
    assert "bf16" in base
    assert "rsqrt" in base, "what was taken out comes back"
    assert run.steps_per_dispatch == 1
    assert jax.config.jax_default_matmul_precision == "default"
    assert "bf16" not in changed("float32")[0]
    assert jax.config.jax_default_matmul_precision == "highest"
    looped, run = changed("a hundred steps a dispatch")
    assert run.steps_per_dispatch == 100
    assert looped.count("stablehlo.while") > base.count("stablehlo.while")


@pytest.mark.heavy
def test_filters_are_left_to_xla(changed, monkeypatch):
    monkeypatch.setattr("src.training.engine.jax.default_backend", lambda: "gpu")
    wide = "3x6x3x64xbf16"  # the first layer's 16 filters, at four pixels
    assert wide in changed(switches.BASE)[0]
    assert wide not in changed("16 filters left to XLA")[0]


@pytest.mark.heavy
def test_random_images_are_trained_on(changed):
    changed(switches.BASE)  # puts the settings of JAX back at the end
    run = noise_engine("data=cifar10", "model.depth=8", "data.batch_size=8", side=8, classes=10, examples=40)
    state, sums = run.advance(run.init_state(), run.zero_sums(), run.order(0), 1)
    assert int(state.step) == 1
    assert np.isfinite(float(sums["objective"]))
    assert np.sum(run.evaluate(state, "test")["confusion"]) == 40


@pytest.mark.heavy
def test_float16_keeps_the_test_error(engine, tmp_path):
    run = engine("train.duration=100steps")
    state = run.init_state()
    sums = run.zero_sums()
    for stop in range(1, 101):
        state, sums = run.advance(state, sums, run.order(stop // 33), stop)
    accuracy = run.evaluate(state, "test")["accuracy"]
    assert accuracy > 0.5
    file = tmp_path / "state.npz"
    write_state(file, state)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.scored()))
    assert 2 * parameters < file.stat().st_size < 2 * parameters + 30_000
    read = read_state(file, run.init_state())
    assert abs(run.evaluate(run.replicated(read), "test")["accuracy"] - accuracy) <= 2 / 360
    for before, after in zip(jax.tree.leaves(state.scored()), jax.tree.leaves(read.scored()), strict=True):
        np.testing.assert_allclose(after, before, rtol=2**-11, atol=2**-25)
    with pytest.raises(UserError, match="another network"):
        read_state(file, engine("model.width=8").init_state())


def test_numbers_too_large_for_float16_stay_as_they_are():
    assert half(np.array([1.0, 65504], np.float32)).dtype == np.float16
    large = np.array([1.0, 70000], np.float32)
    assert half(large).dtype == np.float32


def test_a_thinned_curve_ends_where_the_curve_does():
    steps, errors = recipes.thinned((list(range(1, 1001)), [100 - step / 10 for step in range(1, 1001)]))
    assert (len(steps), steps[-1], errors[-1]) == (200, 1000, 0.0)


def recipe(error):
    curve = [[1.0, 2.0], [90.0, 50.0]]
    return {
        "precision": "float32", "steps": 64000, "seconds": 200.0, "milliseconds_a_step": 3.1, "test_error": error,
        "interval": [error - 0.01, error + 0.01], "test_error_of_float16": error,
        "curves": {"train": curve, "validation": curve},
    }  # fmt: skip


def test_the_page_tells_what_is_there_and_what_comes_next(tmp_path, monkeypatch):
    one = Place(tmp_path / "a_device", tmp_path / "runs", 1.0)
    monkeypatch.setattr("benchmarks.gpu.rows.where", lambda: WHERE)
    for name, error in (("resnet20", 0.0912), ("resnet20 without shortcuts", 0.0987)):
        one.write(row_of("recipes", name), figures=recipe(error), at_once=1, seconds=230.0)
    one.write(
        row_of("recipes", recipes.AT_ONCE),
        figures={"steps_per_second": {"1": 400.0, "2": 500.0}, "best": 2},
        at_once=1,
        seconds=30,
    )
    one.write(row_of("rest", "resnet20 in bfloat16"), failed="out of memory")
    page.draw(one)
    text = page.as_page(tmp_path, tmp_path / "gpu.md")
    assert "|resnet20|float32|1|64,000|200|3.10|9.12|8.12to10.12|9.12|" in text.replace(" ", "")
    assert "400 of 1, 500 of 2; trained at once: 2" in text
    lines = {cells[1].strip(): cells[3].strip() for line in text.splitlines() if len(cells := line.split("|")) == 5}
    assert lines["recipes: resnet20"] == "230 s, 0123456789"
    assert lines["rest: resnet20 in bfloat16"] == "failed, 0123456789"
    assert lines["steps: resnet56"] == "next"
    assert "a device, JAX 0" in text
    assert (one.results / page.CURVES).exists()
    assert "![Errors on the way](a_device/curves.png)" in text
    assert page.NOTHING not in text


def test_the_committed_page_is_what_was_measured():
    text = page.as_page(ROOT / "results/gpu", ROOT / "docs/gpu.md")
    assert (ROOT / "docs/gpu.md").read_text() == text
    assert "`surface_points` on NVIDIA H100 80GB HBM3" in text


@pytest.mark.slow
def test_a_recipe_that_is_stopped_goes_on(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "scale=.005", "recipes", f"output={tmp_path}"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    place = Place(tmp_path / "gpu/cpu", tmp_path / "gpu/runs/cpu", 0.005)
    row, runs = row_of("recipes", "resnet20"), tmp_path / "gpu/runs/cpu"
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    while not any('"step": 60,' in file.read_text() for file in runs.glob("resnet20-*/metrics.jsonl")):
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert "recipes: resnet20: stopped after" in said
    assert said.splitlines()[-1].endswith("the same command goes on")
    assert place.measured(row_of("recipes", recipes.AT_ONCE))
    assert not place.measured(row)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = place.record(row)["figures"]
    assert found["steps"] == 320
    assert [each["step"] >= 60 for each in found["resumed"]] == [True]
    assert found["curves"]["validation"][0][-1] == 320
    assert found["test_error"] < 0.5
    assert abs(found["test_error"] - found["test_error_of_float16"]) <= 2 / 360
    assert (place.results / "recipes/resnet20.npz").exists()
    assert "recipes: resnet20  " in (tmp_path / "gpu/gpu.md").read_text()
