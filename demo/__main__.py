"""`python -m demo`: the whole village on one machine, until Ctrl-C.

VOLMACHT_DEMO_PORT is the broker's port (8000), ACM and the voucher service take the
next two; VOLMACHT_HOME is the data folder (`.volmacht`). Other VOLMACHT_* variables
reach the broker as they are.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from config.settings import SettingsError
from demo.children import ChildError, Children
from demo.home import HomeError
from demo.seed import seed
from demo.settings import DemoSettings, DemoSettingsError
from demo.village import Village, load_village

ROOT = Path(__file__).resolve().parent.parent
BROKER, ACM, VOUCHERS = "the broker", "the simulated ACM", "the voucher service"
OWN = frozenset({"VOLMACHT_HOME"})
"""Variables of the demo itself, with those that start with VOLMACHT_DEMO_."""


def main() -> int:
    """Run the demo. 0 after Ctrl-C or SIGTERM, 1 when it could not start or a server ended."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = DemoSettings.from_env(os.environ)
        _refuse_ports_in_use(settings)
        settings.home.prepare()
        _run(settings, load_village())
    except (DemoSettingsError, HomeError, ChildError, SettingsError) as error:
        print(f"The demo stops: {error}", file=sys.stderr, flush=True)
    return 1


def broker_environment(settings: DemoSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The broker's VOLMACHT_* variables; what the user set wins."""
    home = settings.home
    ours = {
        "VOLMACHT_ENV": "demo",
        "VOLMACHT_ISSUER": settings.issuer,
        "VOLMACHT_DATABASE_URL": f"sqlite:///{home.database}",
        "VOLMACHT_MASTER_KEY_FILE": str(home.master_key),
        "VOLMACHT_BIND": f"127.0.0.1:{settings.port}",
        "VOLMACHT_ACM_ISSUER": settings.acm_issuer,
        "VOLMACHT_ACM_CLIENT_ID": "volmacht-broker",
        "VOLMACHT_ACM_PRIVATE_KEY_FILE": str(home.acm_client_key),
        "VOLMACHT_LOG_LEVEL": "WARNING",
    }
    theirs = {
        name: value
        for name, value in environ.items()
        if name.startswith("VOLMACHT_") and not name.startswith("VOLMACHT_DEMO_") and name not in OWN
    }
    return ours | theirs


def _run(settings: DemoSettings, village: Village) -> NoReturn:
    broker_env = broker_environment(settings, os.environ)
    demo_env = os.environ | settings.for_children()
    seed(broker_env | settings.for_children(), village)
    settings.home.write_environment(broker_env)
    with Children() as children:
        children.start(ACM, _demo_server("demo.acm.wsgi:app", settings.port + 1), demo_env, ROOT)
        broker = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.conf.py", "wsgi:app"]
        children.start(BROKER, broker, os.environ | broker_env, ROOT)
        children.start(VOUCHERS, _demo_server("demo.vouchers.wsgi:app", settings.port + 2), demo_env, ROOT)
        children.wait_until_ready(
            {
                BROKER: settings.issuer,
                ACM: settings.acm_issuer.removesuffix("/op"),
                VOUCHERS: settings.vouchers,
            }
        )
        print(welcome(settings, village), flush=True)
        children.watch()


def _demo_server(app: str, port: int) -> list[str]:
    """Gunicorn for a demo server: one process, as its data is in memory."""
    # The voucher pages call their own API, so one request needs two threads: 16, not 4.
    options = {"--workers": "1", "--worker-class": "gthread", "--threads": "16", "--log-level": "warning"}
    flat = [part for pair in options.items() for part in pair]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        *flat,
        "--no-control-socket",
        "--bind",
        f"127.0.0.1:{port}",
        app,
    ]


def _refuse_ports_in_use(settings: DemoSettings) -> None:
    for port in range(settings.port, settings.port + 3):
        with socket.socket() as probe:
            # As gunicorn does: a connection that is dying out is no reason to refuse.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise DemoSettingsError(
                    f"port {port} is in use. Stop what uses it, or set VOLMACHT_DEMO_PORT to the first "
                    "of three free ports."
                ) from error


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ctrl-C or SIGTERM: unwind, so that the children are stopped on the way out. Once is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


def welcome(settings: DemoSettings, village: Village) -> str:
    """What is where, who lives here, and what to try."""
    width = max(len(person.key) for person in village.people.values())
    people = "\n".join(
        f"  {person.key:<{width}}  {person.name}: {person.about}"
        + ("" if person.means else " (cannot sign in)")
        for person in village.people.values()
    )
    return f"""
Volmacht is running. Everything is simulated; nobody proves who they are.

  Dienstencheques voor burgers        {settings.vouchers}/burgers/
  Dienstencheques voor ondernemingen  {settings.vouchers}/ondernemingen/
  Volmachten beheren (portal)         {settings.issuer}/portal/
  Gesimuleerd ACM                     {settings.acm_issuer}
  Data and secrets                    {settings.home.folder}

Who lives in the village:
{people}

What to try:
  1. Dienstencheques voor burgers: sign in as bram, act for Jos Maes, order 5 vouchers.
  2. Same page, "Namens iemand anders handelen": act for An Peeters, without a new login.
  3. Same page, "Namens iemand anders handelen", now as yourself: order for Jos from "Dossiers".
  4. Volmachten beheren: bram asks for a mandate for Karel Willems (his number stands on
     the sign-in page of the simulated ACM); sign out, sign in as bea and approve it.
  5. Volmachten beheren: sign in as an and end her mandate; within seconds bram can order
     nothing for her any more.
  6. Dienstencheques voor ondernemingen: sign in as cem and submit a performance; dina may
     do nothing until cem gives her a mandate in Volmachten beheren.

Ctrl-C stops everything; the data stay in the folder above.
"""


if __name__ == "__main__":
    sys.exit(main())
