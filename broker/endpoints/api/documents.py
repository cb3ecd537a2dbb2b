"""`/documents`: the paper that a request rests on, brought before the request that names it."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from webargs.flaskparser import abort

from broker.endpoints.api.resource import Resource, larger, names, session
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import DocumentSchema
from broker.flows import documents

blueprint = Resource("documents", __name__, "Signed forms, judgments: what a request rests on.")
UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        },
        "example": {"file": "%PDF-1.7 ..."},
    }
}


@blueprint.post("/documents")
@blueprint.person("mandates:write")
@larger(documents.MOST_BYTES)
@blueprint.doc(requestBody={"content": UPLOAD, "required": True})
@blueprint.response(201, DocumentSchema, example=examples.DOCUMENT)
def keep() -> Any:
    """Keep a PDF, JPEG or PNG of at most 5 MB, sealed; name it in a request by the `sha256` of the answer.

    One that no request names within a month is thrown away. Safe to repeat.
    """
    upload = request.files.get("file")
    if upload is None or request.form or len(request.files) != 1:
        abort(422, messages={"form": {"file": ["One PDF, JPEG or PNG."]}})
    content = upload.stream.read(documents.MOST_BYTES + 1)
    return {"sha256": documents.keep(services(), session(), content, now())}


@blueprint.get("/mandates/<reference>/document")
@blueprint.person("mandates:decide")
@blueprint.response(200, {"type": "string"}, content_type="application/pdf", example="%PDF-1.7")
def fetch(reference: str) -> Response:
    """Fetch the paper that a mandate rests on: for its approvers and reviewers, and journalled."""
    paper = documents.fetch(services(), session(), names().mandate_id(reference), now())
    response = Response(paper.content, content_type=paper.media_type)
    # Somebody's file from our origin: it is saved, never run or shown as a page of ours.
    response.headers["Content-Disposition"] = f'attachment; filename="{paper.sha256[:12]}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
