import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog
from artgan.config import NightlySettings, StylizeSettings, TrainSettings
from flows.__main__ import COMMANDS, read_settings, run


def test_every_setting_is_a_flag_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, (_, settings_class) in COMMANDS.items():
        with pytest.raises(SystemExit) as stop:
            run([name, "--help"])
        assert stop.value.code == 0
        text = " ".join(capsys.readouterr().out.split())
        for field, facts in settings_class.model_fields.items():
            assert f"--{field.replace('_', '-')}" in text
            assert facts.description, (name, field)


def test_flags_win_over_the_file_and_the_file_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("root: from-file\nseed: 2\nmin_works: 30\n")
    monkeypatch.setenv("ARTGAN_SEED", "1")
    monkeypatch.setenv("ARTGAN_WEIGHTS", "from-environment")
    monkeypatch.setenv("SEED", "99")
    flags = ["--config", str(file), "--min-works", "40"]
    settings = read_settings("train", TrainSettings, flags)
    assert isinstance(settings, TrainSettings)
    assert (settings.root, settings.seed, settings.min_works) == ("from-file", 2, 40)
    assert settings.weights == "from-environment"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "--root must be given"),
        (["train", "--root", "x", "--preset", "huge"], "--preset: Input should be"),
        (["train", "--root", "x", "--min-works", "1"], "--min-works"),
        (["paint"], "command must be one of"),
        (["query", "select 1", "--root", "/no/such/place"], "root must be an existing folder"),
    ],
)
def test_wrong_settings_end_with_code_2_and_a_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert words in capsys.readouterr().err


def test_unknown_flags_and_unknown_settings_in_a_file_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(["train", "--root", "x", "--pressure", "3"])
    assert stop.value.code == 2
    file = tmp_path / "a.yaml"
    file.write_text("pressure: 3\n")
    assert run(["train", "--root", "x", "--config", str(file)]) == 2
    assert "must name settings of train, got pressure" in capsys.readouterr().err


def test_places_do_not_enter_the_digest_of_settings() -> None:
    here = StylizeSettings(root="/a")
    assert here.digest() == StylizeSettings(root="s3://b/c").digest()
    assert here.digest() != StylizeSettings(root="/a", contents=3).digest()


def test_the_form_of_a_flow_keeps_the_order_of_its_settings_with_places_last() -> None:
    fields = NightlySettings.model_json_schema()["properties"]
    shown = sorted(fields, key=lambda name: fields[name]["position"])
    assert sorted(field["position"] for field in fields.values()) == list(range(len(fields)))
    assert shown[-3:] == ["root", "inbox", "weights"]
    assert shown[:-3] == [name for name in NightlySettings.model_fields if name not in shown[-3:]]


def test_the_commands_of_the_readme_are_accepted() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    commands = [
        line.split("artgan ", 1)[1]
        for line in readme.splitlines()
        if line.startswith(".venv/bin/artgan ")
    ]
    assert len(commands) >= 2
    for command in commands:
        name, *flags = shlex.split(command, comments=True)
        read_settings(name, COMMANDS[name][1], flags)


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("archive") / "root")
    open_catalog(root).append(RUNS, [{"run_id": "r", "flow": "ingest"}])
    return root


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["query", "select run_id from runs", "--format", "json"], 0),
        (["trace", "r", "--format", "json"], 0),
        (["query", "selekt 1", "--format", "json"], 2),
        (["trace", "nothing", "--format", "json"], 2),
    ],
)
def test_stdout_is_what_was_asked_for_and_nothing_else(
    arguments: list[str], code: int, small_root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--root", small_root]) == code
    said = capsys.readouterr()
    if code:
        assert said.out == ""
        assert " must " in said.err
    else:
        assert json.loads(said.out)
        assert said.err == ""


def test_a_reader_that_has_seen_enough_is_no_error(small_root: str) -> None:
    query = f"query 'from range(300000)' --format csv --root {shlex.quote(small_root)}"
    line = f"set -o pipefail; {shlex.quote(sys.executable)} -m flows {query} | head -n 2"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "range\n0\n", "")


def test_an_interrupted_command_ends_with_130_and_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    command = [sys.executable, "-m", "flows", "sample", "--folder", str(folder), "--works", "1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not list(folder.glob("*/*")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read().startswith("Interrupted.")
        assert process.wait(30) == 130
