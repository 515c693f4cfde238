"""The ``artgan`` command: one subcommand per flow, one flag per setting.

Nothing is listed by hand: flags, help and checks come from the settings classes. Flags win over
``--config file.yaml``, the file over ``ARTGAN_*`` variables, those over the defaults.

What was asked for goes to stdout, everything else to stderr.

Exit codes: 0 done; 1 the run failed, or `status` or `verify` found something wrong; 2 wrong
settings, or something named is not there; 130 interrupted.
"""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from artgan import config
from artgan.config.plain_yaml import load_plain_yaml
from artgan.errors import ArtganError, InvalidInputError, MissingAssetError
from flows.checks import check_places, check_server

COMMANDS: dict[str, tuple[str, type[config.Settings]]] = {
    "nightly": ("flows.nightly", config.NightlySettings),
    "ingest": ("flows.ingest", config.IngestSettings),
    "train": ("flows.train", config.TrainSettings),
    "detect": ("flows.detect", config.DetectSettings),
    "restore": ("flows.restore", config.RestoreSettings),
    "enhance": ("flows.enhance", config.EnhanceSettings),
    "simulate": ("flows.simulate", config.SimulateSettings),
    "stylize": ("flows.stylize", config.StylizeSettings),
    "texture": ("flows.texture", config.TextureSettings),
    "film": ("flows.film", config.FilmSettings),
    "report": ("flows.report", config.ReportSettings),
    "iiif": ("flows.iiif", config.IiifSettings),
    "fixity": ("flows.fixity", config.FixitySettings),
    "withdraw": ("flows.withdraw", config.WithdrawSettings),
    "review": ("flows.review", config.ReviewSettings),
    "publish": ("flows.publish", config.PublishSettings),
    "maintain": ("flows.maintain", config.MaintainSettings),
    "status": ("deployments.status", config.StatusSettings),
    "serve": ("deployments.serve", config.ServeSettings),
    "deploy": ("deployments.apply", config.DeploySettings),
    "sample": ("flows.local", config.SampleSettings),
    "query": ("flows.local", config.QuerySettings),
    "trace": ("flows.local", config.TraceSettings),
    "verify": ("flows.local", config.VerifySettings),
    "patch": ("flows.local", config.PatchSettings),
}

_UNNAMED = {"query": "--sql", "trace": "--id", "verify": "--path", "patch": "--picture"}
"""Flags that may be left out before their value."""

_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(_overview())
        return 0
    name, *flags = arguments
    try:
        module, settings_class = _command(name)
        settings = read_settings(name, settings_class, flags)
        check_places(settings)
        if module.removeprefix("flows.") == name and "PREFECT_API_URL" in os.environ:
            check_server(os.environ["PREFECT_API_URL"])
    except (ArtganError, SettingsError) as error:
        return _say(error, 2)
    except ValidationError as error:
        return _say(_sentences(name, error), 2)
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    # What libvips warns of is judged at ingest and said there in words.
    logging.getLogger("pyvips").setLevel(logging.ERROR)
    return _do(getattr(importlib.import_module(module), name), settings)


def _do(verb: Callable[[config.Settings], Any], settings: config.Settings) -> int:
    try:
        verb(settings)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _say("Interrupted. The same command goes on from what is finished.", 130)
    except (InvalidInputError, MissingAssetError) as error:
        return _say(error, 2)
    except ArtganError as error:
        return _say(error, 1)
    return 0


def _overview() -> str:
    lines = [__doc__ or "", "Commands:"]
    lines += [f"  {name:9} {_first_line(item[1])}" for name, item in COMMANDS.items()]
    return "\n".join([*lines, "", "`artgan COMMAND --help` lists the flags of a command."])


def _first_line(settings_class: type[config.Settings]) -> str:
    return (settings_class.__doc__ or "").strip().splitlines()[0]


def _command(name: str) -> tuple[str, type[config.Settings]]:
    if name not in COMMANDS:
        raise InvalidInputError(
            f"command must be one of {', '.join(COMMANDS)}, got {name!r}. See `artgan --help`."
        )
    return COMMANDS[name]


def read_settings(
    name: str, settings_class: type[config.Settings], flags: Sequence[str]
) -> config.Settings:
    """Build settings from flags, an optional YAML file, the environment and the defaults.

    Raises:
        InvalidInputError: If the YAML file cannot be read.
        ValidationError: If a value breaks a rule of the settings class.
    """
    from_file, flags = _take_config(list(flags))
    if name in _UNNAMED:
        flags = _name_first(flags, _UNNAMED[name])

    class Flags(settings_class, BaseSettings):
        model_config = SettingsConfigDict(
            cli_prog_name=f"artgan {name}",
            cli_kebab_case=True,
            cli_implicit_flags=True,
            cli_avoid_json=True,
            cli_enforce_required=False,
            env_prefix="ARTGAN_",
            extra="ignore",
        )

    Flags.__doc__ = settings_class.__doc__
    unknown = set(from_file) - set(settings_class.model_fields)
    if unknown:
        raise InvalidInputError(
            f"settings file must name settings of {name}, got {', '.join(sorted(unknown))}. "
            f"Known: {', '.join(settings_class.model_fields)}."
        )
    given = CliApp.run(Flags, cli_args=list(flags), **from_file)
    return settings_class.model_validate(given.model_dump())


def _take_config(flags: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Split off ``--config FILE`` and read the file."""
    for position, flag in enumerate(flags):
        if flag == "--config" and position + 1 < len(flags):
            return _read_yaml(Path(flags[position + 1])), flags[:position] + flags[position + 2 :]
        if flag.startswith("--config="):
            rest = flags[:position] + flags[position + 1 :]
            return _read_yaml(Path(flag.removeprefix("--config="))), rest
    return {}, flags


def _name_first(flags: list[str], name: str) -> list[str]:
    """Put a flag before the first value that has none."""
    position = 0
    while position < len(flags):
        flag = flags[position]
        if not flag.startswith("-"):
            return [*flags[:position], name, *flags[position:]]
        position += 1 if "=" in flag or flag == "-h" else 2
    return flags


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = load_plain_yaml(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInputError(
            f"config must be a readable YAML file, got {str(path)!r}: {error}"
        ) from error
    if not isinstance(content, dict):
        raise InvalidInputError(f"config must map settings to values, got {content!r}.")
    return content


def _sentences(name: str, error: ValidationError) -> str:
    lines = []
    for one in error.errors():
        field = "--" + ".".join(str(part) for part in one["loc"]).replace("_", "-")
        if one["type"] == "missing":
            lines.append(f"{field} must be given. See `artgan {name} --help`.")
        else:
            lines.append(f"{field}: {one['msg']}, got {one['input']!r}.")
    return "\n".join(lines)


def _say(message: object, code: int) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
