"""A file of requests: the same rules as the form, a few hundred thousand times (mandates.md section 6).

A file goes through three steps. `start` takes it in and stores its rows, sealed.
`validate` says of each row what applying it would do, and changes nothing else.
`apply` asks what the rows ask, on somebody's word, in chunks that are committed whole.
`result` tells of each row what became of it, at any time.

Nothing here decides who may do what. Each row goes through the engine's
`request_mandate`, at validation and once more when it is applied; and what the form
keeps silent about, a file keeps silent about too: a row does not tell whether a
number was known, nor a name that was not typed.
"""

from __future__ import annotations

from broker.flows.bulk.columns import KINDS, VMS_KINDS
from broker.flows.bulk.exports import export_vms, result
from broker.flows.bulk.intake import Report, find, jobs, start
from broker.flows.bulk.runs import Progress, apply, validate

__all__ = [
    "KINDS",
    "VMS_KINDS",
    "Progress",
    "Report",
    "apply",
    "export_vms",
    "find",
    "jobs",
    "result",
    "start",
    "validate",
]
