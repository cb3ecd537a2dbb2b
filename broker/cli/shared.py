"""What every command needs: settings, services, one way to print, one way to refuse."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from broker import wiring
from broker.errors import FlowError, answer_to
from broker.port_errors import PortError
from broker.ports import Services
from config import logging as log_config
from config.settings import Settings, SettingsError
from keys.errors import KeysError
from mandates.errors import MandateError

DEMO_ENVIRONMENT = "broker.env"
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Group(click.Group):
    """A group whose known refusals are one clear sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn our own errors into click's."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except (FlowError, PortError, MandateError, KeysError) as error:
            text = str(error) or answer_to(error).text
            raise click.ClickException(f"{text} [{error.code}]") from error


def environment() -> Mapping[str, str]:
    """The environment; without an issuer in it, that of the demo whose data folder is here.

    So `volmacht journal verify` speaks to the village that `make run` started in this folder.
    """
    demo = Path(os.environ.get("VOLMACHT_HOME", ".volmacht")) / DEMO_ENVIRONMENT
    if os.environ.get("VOLMACHT_ISSUER") or not demo.is_file():
        return os.environ
    lines = demo.read_text(encoding="utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines) | dict(os.environ)


def settings() -> Settings:
    """The settings of this environment, with logging set up."""
    found = Settings.from_env(environment())
    log_config.configure(found.log_level)
    return found


def services() -> Services:
    """The services of this environment; the schema must be there."""
    found = settings()
    database = wiring.open_database(found)
    current = database.schema_is_current()
    database.close()
    if not current:
        raise click.ClickException("The database schema is not current: run `volmacht db upgrade`.")
    return wiring.build(found)


def tell(value: Any, text: str, *, as_json: bool) -> None:
    """Print `value` as JSON, or `text` for people."""
    click.echo(json.dumps(value, indent=2, sort_keys=True) if as_json else text)
