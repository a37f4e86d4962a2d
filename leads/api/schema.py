"""The API's description: how one signs in, and the capture views, which are no REST framework views."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from leads.models import Consent
from leads.normalise.cells import LINES, TEXTS
from leads.normalise.submission import UTM

EXAMPLE = {
    "email": "ann@firm.example",
    "name": "Ann Dyk",
    "company": "Firm GmbH",
    "phone": "+49 721 5550 1840",
    "subject": "demo",
    "message": "We plan 45 technicians in a spreadsheet.",
    "utm_source": "linkedin",
    "consent": {"email": {"granted": True, "text": "Yes, write to me once a month.", "version": "2026-11"}},
}
TIMES = {"occurred_at": "When it happened, ISO 8601; the time of arrival where it is left out."}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself untyped
    """`Authorization: Bearer <key>`."""

    target_class = "leads.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI writes it."""
        return {"type": "http", "scheme": "bearer", "description": "A key made in the admin under API keys."}


def add_capture(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Describe POST capture/ and capture/batch/ (a hook of the schema generator)."""
    schemas = result["components"]["schemas"]
    schemas |= {"Submission": _submission(), "Statement": _statement(), "Receipt": _receipt()}
    schemas |= {"Problem": _problem(), "Batch": _batch()}
    result["paths"]["/api/v1/capture/"] = {"post": _capture()}
    result["paths"]["/api/v1/capture/batch/"] = {"post": _capture_batch()}
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _text(most: int | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "string", "nullable": True} | ({"maxLength": most} if most else {}) | more


def _submission() -> dict[str, Any]:
    properties: dict[str, Any] = {name: _text(LINES.get(name)) for name in TEXTS}
    properties["email"] = _text(254, description="One of email, phone and external_id has to say who this is.")
    properties["external_id"] = _text(255, description="Your own id of the person; a number is taken as text.")
    properties |= {name: _text(description=words) for name, words in TIMES.items()}
    properties |= {name: _text(200, description="As in the link that was followed.") for name in UTM}
    properties["is_test"] = {"type": "boolean", "description": "true: kept as a test, becomes no lead."}
    properties["consent"] = {
        "type": "object",
        "nullable": True,
        "description": "By purpose: true, false, or an object with the wording. Nothing sent is nothing said.",
        "properties": {purpose: {"$ref": "#/components/schemas/Statement"} for purpose in Consent.Purpose.values},
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "Fields of ours; everything else is kept among the contact's further answers.",
        "properties": properties,
        "additionalProperties": True,
        "example": EXAMPLE,
    }


def _statement() -> dict[str, Any]:
    words: dict[str, Any] = {"granted": {"type": "boolean"}, "text": _text(), "version": _text(40)}
    words["confirm"] = {"type": "boolean", "description": "Counts only when the address has confirmed it by e-mail."}
    return {"oneOf": [{"type": "boolean"}, {"type": "object", "required": ["granted"], "properties": words}]}


def _receipt() -> dict[str, Any]:
    person = {"type": "object", "nullable": True, "properties": {name: _text() for name in ("name", "email")}}
    return {
        "type": "object",
        "required": ["id", "status", "url"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "status": {"type": "string", "enum": ["received", "accepted", "refused", "failed"]},
            "url": {"type": "string", "format": "uri"},
            "lead": {"type": "integer"},
            "stage": {"type": "string"},
            "score": {"type": "object", "properties": {"fit": _number(), "engagement": _number(), "grade": _text()}},
            "owner": person,
            "assigned_at": _text(format="date-time"),
        },
    }


def _number() -> dict[str, Any]:
    return {"type": "integer", "nullable": True}


def _problem() -> dict[str, Any]:
    error = {"type": "object", "properties": {"field": {"type": "string"}, "detail": {"type": "string"}}}
    return {
        "type": "object",
        "description": "RFC 9457; `errors` names each field with what to mend.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "errors": {"type": "array", "items": error},
            "id": {"type": "string", "format": "uuid", "description": "The kept submission, where there is one."},
        },
    }


def _batch() -> dict[str, Any]:
    row = {"type": "object", "properties": {"row": {"type": "integer"}, "status": {"type": "integer"}}}
    return {
        "type": "object",
        "required": ["accepted", "refused", "results"],
        "properties": {
            "accepted": {"type": "integer"},
            "refused": {"type": "integer"},
            "results": {"type": "array", "items": row | {"additionalProperties": True}},
        },
    }


def _capture() -> dict[str, Any]:
    wait = {
        "name": "wait",
        "in": "query",
        "description": "Seconds to wait for the lead to be routed; then the answer is 200 and tells who has it.",
        "schema": {"type": "number", "minimum": 0, "maximum": 30},
    }
    body = {"$ref": "#/components/schemas/Submission"}
    receipt = {"$ref": "#/components/schemas/Receipt"}
    return _operation("capture_create", "Take one submission in.", [wait], body) | {
        "responses": {"200": _answer("Routed.", receipt), "202": _answer("Kept.", receipt)} | _refusals()
    }


def _capture_batch() -> dict[str, Any]:
    rows = {"type": "array", "maxItems": 1000, "items": {"$ref": "#/components/schemas/Submission"}}
    answer = _answer("One result per row, in their order.", {"$ref": "#/components/schemas/Batch"})
    return _operation("capture_batch_create", "Take up to 1,000 submissions in, each for itself.", [], rows) | {
        "responses": {"200": answer} | _refusals()
    }


def _operation(name: str, words: str, parameters: list[Any], body: dict[str, Any]) -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Sent again with the same body, the first answer is given and nothing happens twice.",
        "schema": {"type": "string", "maxLength": 250},
    }
    return {
        "operationId": name,
        "description": words,
        "parameters": [*parameters, key],
        "tags": ["capture"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "security": [{"apiKey": []}],
    }


def _answer(words: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": words, "content": {kind: {"schema": schema}}}


def _refusals() -> dict[str, Any]:
    words = {
        "400": "No JSON, or a wrong parameter.",
        "401": "No key, or an unknown one.",
        "403": "The key has no channel, or its channel is switched off.",
        "409": "The Idempotency-Key stands for another submission.",
        "413": "Too large.",
        "422": "A field has the wrong type, or nobody is identified.",
    }
    problem = {"$ref": "#/components/schemas/Problem"}
    return {status: _answer(text, problem, "application/problem+json") for status, text in words.items()}
