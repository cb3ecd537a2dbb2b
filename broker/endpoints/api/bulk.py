"""`/bulk`: a file of requests. Taken in and validated whole first, applied on confirmation."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal, cast

from flask import Response, request
from webargs.flaskparser import abort

from broker.endpoints.api.resource import Resource, larger, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import JobSchema, ResultQuery
from broker.flows import bulk
from broker.flows.bulk import KINDS, Report
from broker.flows.bulk.files import MOST_BYTES

blueprint = Resource("bulk", __name__, "Files of requests, CSV and XLSX.")
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE = (
    "sleutel;naam;rijksregisternummer;bevoegdheden;bewijsstuk\r\n"
    "2026-1;Maria Peeters;85.07.30-033.28;vouchers:read vouchers:order;gesprek\r\n"
)
UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["kind", "file"],
            "properties": {
                "kind": {"type": "string", "enum": list(KINDS)},
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            },
        },
        "example": {"kind": "mandates", "file": FILE},
    }
}


@blueprint.post("/bulk")
@blueprint.person("mandates:write")
@larger(MOST_BYTES)
@blueprint.doc(requestBody={"content": UPLOAD, "required": True})
@blueprint.response(201, JobSchema, example=examples.JOB)
def bring() -> Any:
    """Bring a file, and have it validated; nothing is asked for until it is applied.

    `docs/bulk.md` says which columns it needs. The form's silence holds: no answer tells whether
    a number was known.
    """
    kind, upload = request.form.get("kind", ""), request.files.get("file")
    if kind not in KINDS or upload is None or set(request.form) != {"kind"}:
        abort(422, messages={"form": {"kind": list(KINDS), "file": ["A CSV or XLSX file."]}})
    name = "".join(one for one in upload.filename or "" if one.isprintable())[:200]
    job = bulk.start(
        services(), session(), kind=kind, content=cast("BytesIO", upload.stream), name=name, now=now()
    )
    return _shown(bulk.validate(services(), session(), job.id, now()))


@blueprint.get("/bulk/<job>")
@blueprint.person("mandates:read")
@blueprint.response(200, JobSchema, example=examples.JOB)
def show(job: str) -> Any:
    """See how far a file is, with how many rows have which verdict; for its organisation only."""
    return _shown(bulk.find(services(), session(), job, now()))


@blueprint.post("/bulk/<job>/apply")
@blueprint.person("mandates:write")
@blueprint.refuses(409)
@blueprint.response(200, JobSchema, example=examples.JOB)
def apply(job: str) -> Any:
    """Ask what each row asks, from where an earlier run stopped; applying twice changes nothing."""
    return _shown(bulk.apply(services(), session(), job, now()))


@blueprint.get("/bulk/<job>/result")
@blueprint.person("mandates:read")
@blueprint.arguments(ResultQuery, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/csv", example="lijn;sleutel;oordeel\n")
def result(query: dict[str, Any], job: str) -> Response:
    """Fetch the result file: a line for each row, with what would mend it."""
    file_format = cast("Literal['csv', 'xlsx']", query["format"])
    out = BytesIO()
    bulk.result(services(), session(), job, out, file_format, now(), sector=names().sector)
    response = Response(out.getvalue(), content_type=CSV if file_format == "csv" else XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="result.{file_format}"'
    return response


def _shown(found: Report) -> dict[str, Any]:
    job = found.job
    return {
        "identifier": job.id,
        "kind": job.kind,
        "name": job.name,
        "sha256": job.sha256,
        "created_at": job.created_at,
        "rows": job.rows,
        "applied_rows": job.applied_rows,
        "validated_at": job.validated_at,
        "applied_at": job.applied_at,
        "counts": found.counts,
    }
