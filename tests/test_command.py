import shlex
from pathlib import Path

import pytest

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
        name, *flags = shlex.split(command)
        read_settings(name, COMMANDS[name][1], flags)
