"""What may happen next to a mandate: old value and instant in, new value and events out.

The whole life in one place (mandates.md section 5), each step in the file of its kind:

* `requests`: how it begins. Whatever makes power larger needs the type's assurance and
  eligible parties, judged anew.
* `endings`: how it becomes smaller, stops for a while, or ends. That needs the capacity
  alone: nobody should have to find a stronger card to end a mandate.
* `claims`: how it comes from the claims of a login, and goes with its session.
* `cascade`: what a death, a leaver or a merger ends, of many mandates at once.
"""

from __future__ import annotations

from mandates.change import Change
from mandates.claims import claim_mandate, end_with_session
from mandates.endings import by_code, end, end_power, resume, suspend
from mandates.requests import approve, cancel, pass_on, refuse, renew, request_mandate

__all__ = [
    "Change",
    "approve",
    "by_code",
    "cancel",
    "claim_mandate",
    "end",
    "end_power",
    "end_with_session",
    "pass_on",
    "refuse",
    "renew",
    "request_mandate",
    "resume",
    "suspend",
]
