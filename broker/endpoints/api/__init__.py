"""The REST API under `/api/v1`: everything that the portal does, for programs, and a little more.

Nothing is decided here. A route names the scope that it needs and whom it serves, a person
by a token of her own or a program for itself; the guard that voucher services use checks the
token; the flow asks the engine. What is not hers and what is not there answer alike.

One file for each kind of thing, all as thin as they can be: `resource` knows who calls, `typed`
turns what was sent into what the flows take, `shown` turns their answers into references of the
client's sector, `document` tells all of it as OpenAPI.
"""

from __future__ import annotations

from flask import Flask

from broker.endpoints.api import (
    activation,
    bulk,
    decisions,
    document,
    documents,
    journal,
    lists,
    mandates,
    notices,
    parties,
    reviews,
    transitions,
    uses,
)
from broker.endpoints.api.document import OpenApi

RESOURCES = (
    mandates,
    transitions,
    documents,
    lists,
    decisions,
    activation,
    bulk,
    parties,
    reviews,
    uses,
    notices,
    journal,
)


def register(app: Flask, issuer: str) -> OpenApi:
    """Hang the API into an application; returns its OpenAPI document."""
    api = OpenApi(app, spec_kwargs=document.options(issuer))
    document.describe_security(api, issuer)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    app.register_blueprint(document.blueprint)
    return api
