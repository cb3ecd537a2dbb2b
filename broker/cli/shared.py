"""What every command needs: settings, services, one way to print, one way to refuse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from broker import wiring
from broker.errors import FlowError, answer_to
from broker.port_errors import PortError
from broker.ports import Services
from broker.wording import say
from config import logging as log_config
from config.settings import Settings, SettingsError
from keys.errors import KeysError
from mandates.errors import MandateError

DEMO_ENVIRONMENT = "broker.env"
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
OUT = click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file, which nobody else may read.",
)


class Group(click.Group):
    """A group whose known refusals are one clear sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn our own errors into click's."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except (FlowError, PortError, MandateError, KeysError) as error:
            text = str(error) or _english(error.code) or answer_to(error).text
            raise click.ClickException(f"{text} [{error.code}]") from error


def _english(code: str) -> str:
    """What people are told of this code; the answers of the web are Dutch."""
    said = say(code, "en")
    return f"{said.title} {said.mend}" if said else ""


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


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that its owner alone may read; gone again if it could not be written whole."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} is there already; name a new file.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:  # whatever it was, it is raised again
        path.unlink()
        raise
