"""Habits in which one upstream differs from another; the plain ones are those of ACM as it is known.

ACM states no `auth_time`. With VOLMACHT_DEMO_ACM_AUTH_TIME=1 the simulation does, so that
`max_age` can be seen to work; VOLMACHT_DEMO_ACM_ACR makes it claim this means for every login,
such as one that is weaker than what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Habits:
    """What this upstream says of each login beside the person's own claims."""

    states_auth_time: bool = False
    claimed_acr: str = ""
    """URN of a means; empty: what was used."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Habits:
        """Read the two variables; unset means plain."""
        return cls(
            states_auth_time=environ.get("VOLMACHT_DEMO_ACM_AUTH_TIME", "") == "1",
            claimed_acr=environ.get("VOLMACHT_DEMO_ACM_ACR", ""),
        )

    def said_of(self, signed_on_at: int) -> dict[str, Any]:
        """Claims that an ID token gets for a sign-on of this instant."""
        said: dict[str, Any] = {"auth_time": signed_on_at} if self.states_auth_time else {}
        return said | ({"acr": self.claimed_acr} if self.claimed_acr else {})


PLAIN = Habits()
