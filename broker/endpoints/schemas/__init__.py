"""The shapes of requests and answers of the REST API: marshmallow schemas, from which OpenAPI is made.

A schema says what a field is, how long it may be and what it looks like; never whether somebody
may. Unknown fields are refused. Days are whole days in Europe/Brussels, the last one included;
instants are Unix seconds, as in tokens. People are `p-...` in the sector of the client,
organisations their enterprise number, mandates `m-...`; a national number is typed in a body,
never in an address, and never answered.
"""
