"""`odyssey local train`: the model is replaced by a success, and by nothing else."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.conftest import Done, SmallApp, alive, until

Run = Callable[..., Done]

FAIL = """
import os, pathlib, sys
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
(root / "model" / "half").write_text("half")
reason = "ValueError: no \\x1b[31mgood\\n\\nTraceback: line 1\\n"
(root / "output" / "failure").write_text(reason * 9)
sys.exit(3)
"""

WAIT = """
import os, pathlib, signal, subprocess, sys, time
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
(root / "model" / "half").write_text("half")
def stop(number, frame):
    print("told to stop by", number, flush=True)
    (root / "output" / "stopped").write_text(str(number))
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(root / "output" / "pids").write_text(f"{os.getpid()} {helper.pid}")
while True:
    time.sleep(0.05)
"""

DEAF = """
import os, pathlib, signal, subprocess, sys, time
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
helper = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
)
(root / "output" / "pids").write_text(f"{os.getpid()} {helper.pid}")
while True:
    time.sleep(0.05)
"""


def pids(app: SmallApp) -> list[int]:
    file = app.folder / "output" / "pids"
    until(lambda: file.exists() and len(file.read_text().split()) == 2)
    return [int(word) for word in file.read_text().split()]


def gone(numbers: list[int]) -> Callable[[], bool]:
    return lambda: not any(alive(number) for number in numbers)


def model(app: SmallApp) -> dict[str, str]:
    return {path: text for path, text in app.tree().items() if path.startswith("model/")}


OLD = {"model/.gitkeep": "", "model/weights": "old"}


def test_a_success_replaces_the_model(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("local", "train", at=small_app.folder)
    assert (done.code, done.out) == (0, f"{small_app.folder / 'model'}\n")
    assert model(small_app) == {"model/.gitkeep": "", "model/deep/weights": "1 2 3"}
    assert "reading 5 characters\n" in done.err
    assert "a word on stderr\n" in done.err
    assert "  deep/weights  5 B\n" in done.err
    assert small_app.leftovers() == []


def test_json_names_the_files_of_the_model(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("local", "train", "--output", "json", at=small_app.folder)
    assert done.document["model"] == str(small_app.folder / "model")
    assert done.document["files"] == [{"path": "deep/weights", "bytes": 5}]
    assert done.document["seconds"] > 0


def test_odyssey_s_own_folder_stays_out_of_git(odyssey: Run, small_app: SmallApp) -> None:
    odyssey("local", "train", at=small_app.folder)
    assert (small_app.folder / ".odyssey" / ".gitignore").read_text() == "*\n"


def test_a_failure_keeps_the_old_model_and_shows_the_reason(
    odyssey: Run, small_app: SmallApp
) -> None:
    # given
    small_app.write("rocket/train", FAIL)
    # when
    done = odyssey("local", "train", at=small_app.folder)
    # then
    assert (done.code, done.out) == (1, "")
    assert model(small_app) == OLD
    assert "the training failed (exit code 3); model/ is unchanged\n" in done.err
    assert "  ValueError: no \\x1b[31mgood\n" in done.err
    assert str(small_app.folder / "output" / "failure") in done.err
    assert len(done.err.splitlines()) < 8
    assert small_app.leftovers() == []


def test_a_failure_of_an_earlier_run_is_not_told_again(odyssey: Run, small_app: SmallApp) -> None:
    small_app.write("output/failure", "ValueError: long ago")
    small_app.write("rocket/train", "import sys; sys.exit(1)")
    done = odyssey("local", "train", at=small_app.folder)
    assert done.code == 1
    assert "long ago" not in done.err


def test_a_training_that_is_killed_says_by_what(odyssey: Run, small_app: SmallApp) -> None:
    small_app.write("rocket/train", "import os; os.kill(os.getpid(), 9)")
    done = odyssey("local", "train", at=small_app.folder)
    assert done.code == 1
    assert "killed by SIGKILL, perhaps for want of memory" in done.err


def test_a_training_that_saves_nothing_keeps_the_old_model(
    odyssey: Run, small_app: SmallApp
) -> None:
    small_app.write("rocket/train", "")
    done = odyssey("local", "train", at=small_app.folder)
    assert done.code == 1
    assert "train.py" in done.err
    assert model(small_app) == OLD


@pytest.mark.parametrize("left", ["folder", "dot file", "nothing"])
def test_no_data_is_said_before_anything_runs(odyssey: Run, small_app: SmallApp, left: str) -> None:
    # given
    data = small_app.folder / "input" / "data"
    (data / "training" / "numbers").unlink()
    if left == "dot file":
        (data / "training" / ".gitkeep").touch()
    if left == "nothing":
        (data / "training").rmdir()
        data.rmdir()
    # when
    done = odyssey("local", "train", at=small_app.folder)
    # then
    assert done.code == 1
    assert str(data) in done.err
    assert "reading" not in done.err


def test_a_missing_rocket_is_explained(odyssey: Run, small_app: SmallApp) -> None:
    (small_app.folder / "rocket" / "train").unlink()
    done = odyssey("local", "train", at=small_app.folder)
    assert done.code == 1
    assert "rocket/train is missing" in done.err


def test_an_app_without_model_and_output_gets_them(odyssey: Run, small_app: SmallApp) -> None:
    for path in ("model/.gitkeep", "model/weights"):
        (small_app.folder / path).unlink()
    (small_app.folder / "model").rmdir()
    assert odyssey("local", "train", at=small_app.folder).code == 0
    assert model(small_app) == {"model/deep/weights": "1 2 3"}


def test_a_model_folder_that_is_a_link_stays_one(
    odyssey: Run, small_app: SmallApp, tmp_path: Path
) -> None:
    (small_app.folder / "model").rename(tmp_path / "disk")
    (small_app.folder / "model").symlink_to(tmp_path / "disk")
    assert odyssey("local", "train", at=small_app.folder).code == 0
    assert (small_app.folder / "model").is_symlink()
    assert (tmp_path / "disk" / "deep" / "weights").read_text() == "1 2 3"


def test_the_settings_of_the_server_reach_the_training_too(
    odyssey: Run, small_app: SmallApp
) -> None:
    small_app.write(
        "rocket/train",
        "import os, pathlib\n"
        "root = pathlib.Path(os.environ['ROCKET_ML_ROOT'])\n"
        "(root / 'model' / 'said').write_text(os.environ['MODEL_SERVER_CSV_HEADER'])\n",
    )
    assert odyssey("local", "train", at=small_app.folder).code == 0
    assert model(small_app)["model/said"] == "absent"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_once_and_nothing_is_left(
    small_app: SmallApp, number: signal.Signals
) -> None:
    # given
    small_app.write("rocket/train", WAIT)
    training = small_app.start("local", "train", "--output", "json")
    running = pids(small_app)
    # when
    training.send(number)
    done = training.finish()
    # then
    assert done.code == 130
    assert done.document["error"]["exit_code"] == 130
    assert "model/ is unchanged" in done.document["error"]["message"]
    assert done.err.count("told to stop by") == 1
    passed_on = signal.SIGTERM if number == signal.SIGHUP else number
    assert (small_app.folder / "output" / "stopped").read_text() == str(int(passed_on))
    assert model(small_app) == OLD
    assert small_app.leftovers() == []
    until(gone(running))


def test_a_second_ctrl_c_ends_even_a_deaf_training(small_app: SmallApp) -> None:
    # given
    small_app.write("rocket/train", DEAF)
    training = small_app.start("local", "train")
    running = pids(small_app)
    # when
    training.send(signal.SIGINT)
    training.until_it_says("Stopping")
    assert all(alive(number) for number in running)
    training.send(signal.SIGINT)
    # then
    assert training.finish().code == 130
    until(gone(running))


def test_a_killed_odyssey_takes_its_training_along_and_is_cleaned_up_after(
    small_app: SmallApp,
) -> None:
    # given
    small_app.write("rocket/train", WAIT)
    training = small_app.start("local", "train")
    script, helper = pids(small_app)
    # when
    training.send(signal.SIGKILL)
    training.finish()
    # then
    until(gone([script]))
    os.kill(helper, signal.SIGKILL)  # The script's own, which it does not look after.
    assert model(small_app) == OLD
    assert small_app.leftovers() != []
    small_app.write("rocket/train", FAIL)
    assert small_app.run("local", "train").code == 1
    assert small_app.leftovers() == []


def test_the_old_model_comes_back_after_a_power_cut_while_replacing_it(
    odyssey: Run, small_app: SmallApp
) -> None:
    # given
    stale = small_app.folder / ".odyssey" / "train-gone"
    (stale / "model").mkdir(parents=True)
    (small_app.folder / "model").rename(stale / "replaced")
    small_app.write("rocket/train", FAIL)
    # when
    done = odyssey("local", "train", at=small_app.folder)
    # then
    assert done.code == 1
    assert model(small_app) == OLD
    assert small_app.leftovers() == []


def test_two_trainings_of_one_app_do_not_mix(small_app: SmallApp) -> None:
    # given
    small_app.write("rocket/train", WAIT)
    first = small_app.start("local", "train")
    pids(small_app)
    # when
    second = small_app.run("local", "train")
    # then
    assert second.code == 1
    assert "another training of this app runs" in second.err
    first.send(signal.SIGINT)
    assert first.finish().code == 130


def test_a_helper_that_holds_the_output_open_does_not_hold_up_the_end(
    small_app: SmallApp,
) -> None:
    small_app.write(
        "rocket/train",
        "import os, pathlib, subprocess, sys\n"
        "root = pathlib.Path(os.environ['ROCKET_ML_ROOT'])\n"
        "(root / 'model' / 'weights').write_text('new')\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "(root / 'output' / 'pids').write_text(f'{subprocess.Popen(sleep).pid} 0')\n",
    )
    assert small_app.run("local", "train").code == 0
    until(gone([pids(small_app)[0]]))


def test_a_train_script_that_closes_its_output_is_waited_for(
    odyssey: Run, small_app: SmallApp
) -> None:
    small_app.write(
        "rocket/train",
        "import os, pathlib, time\n"
        "os.close(1)\n"
        "os.close(2)\n"
        "time.sleep(0.3)\n"
        "root = pathlib.Path(os.environ['ROCKET_ML_ROOT'])\n"
        "(root / 'model' / 'weights').write_text('new')\n",
    )
    assert odyssey("local", "train", at=small_app.folder).code == 0
    assert model(small_app)["model/weights"] == "new"


def test_a_python_of_one_s_own_runs_the_app(odyssey: Run, small_app: SmallApp) -> None:
    # given
    text = (small_app.folder / "odyssey.toml").read_text()
    small_app.write("odyssey.toml", text + 'python = "./mine"\n')
    script = small_app.write("mine", '#!/bin/sh\necho "mine runs $1" >&2\nexit 9\n')
    script.chmod(0o755)
    # when
    done = odyssey("local", "train", at=small_app.folder)
    # then
    assert done.code == 1
    assert f"mine runs {small_app.folder}/rocket/train" in done.err


@pytest.mark.parametrize("python", ["./nothing", "no-such-python", "rocket/train"])
def test_a_python_that_is_none_is_a_configuration_error(
    odyssey: Run, small_app: SmallApp, python: str
) -> None:
    text = (small_app.folder / "odyssey.toml").read_text()
    small_app.write("odyssey.toml", text + f'python = "{python}"\n')
    done = odyssey("local", "train", at=small_app.folder)
    assert done.code == 2
    assert f'odyssey.toml [local]: python: "{python}"' in done.err


def test_data_behind_a_link_is_data(small_app: SmallApp, tmp_path: Path) -> None:
    data = small_app.folder / "input" / "data" / "training"
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    assert small_app.run("local", "train").code == 0


def test_the_reason_of_a_failure_is_shown_without_its_traceback(small_app: SmallApp) -> None:
    small_app.write(
        "rocket/train",
        "import os, pathlib, sys\n"
        "failure = pathlib.Path(os.environ['ROCKET_ML_ROOT'], 'output', 'failure')\n"
        "failure.write_text('ValueError: no\\n\\nTraceback (most recent call last):\\n  File x')\n"
        "sys.exit(1)\n",
    )
    done = small_app.run("local", "train")
    assert done.code == 1
    assert "ValueError: no" in done.err
    assert "Traceback" not in done.err
