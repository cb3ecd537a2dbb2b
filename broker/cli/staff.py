"""`volmacht staff`: who has a role of the broker beside what ACM says."""

from __future__ import annotations

from dataclasses import asdict

import click

from broker.cli.shared import AS_JSON, services, tell
from broker.clock import system_clock
from broker.flows import staff

ROLE = click.Choice(staff.ROLES)
AS = click.option("--as", "by", required=True, help="Your own party id. You cannot change your own roles.")


@click.group("staff")
def staff_group() -> None:
    """Give and take the roles reviewer, support and operator."""


@staff_group.command("list")
@AS_JSON
def staff_list(as_json: bool) -> None:
    """Show the roles that were given here; those of ACM come with each sign-in."""
    held = staff.held(services())
    lines = [f"{one.role:<9} {one.party} given by {one.given_by}" for one in held]
    tell([asdict(one) for one in held], "\n".join(lines), as_json=as_json)


@staff_group.command("give")
@click.argument("party")
@click.argument("role", type=ROLE)
@AS
@AS_JSON
def staff_give(party: str, role: str, by: str, as_json: bool) -> None:
    """Give PARTY (a party id) a role, from her next sign-in on. The first operator is named by anybody."""
    staff.give(services(), party, role, by=by, now=system_clock())
    tell({"party": party, "role": role}, f"{party} is {role} from her next sign-in on.", as_json=as_json)


@staff_group.command("take")
@click.argument("party")
@click.argument("role", type=ROLE)
@AS
@AS_JSON
def staff_take(party: str, role: str, by: str, as_json: bool) -> None:
    """Take a role from PARTY (a party id); she is signed out at once."""
    staff.take(services(), party, role, by=by, now=system_clock())
    tell({"party": party, "taken": role}, f"{party} is no longer {role}, and is signed out.", as_json=as_json)
