"""A program at the door of the API, and what a refusal has to be."""

import json
from typing import Any

from django.test import Client

from leads.models import Channel
from leads.services.channels import create_api_key
from tests.factories import make_channel

URL = "/api/v1/capture/"


class Door:
    """A program that captures through one channel."""

    def __init__(self, channel: Channel | None = None) -> None:
        self.channel = channel or make_channel("website")
        self.key, self.token = create_api_key("site", channel=self.channel)

    def post(self, body: Any, url: str = URL, kind: str = "application/json", **headers: str) -> Any:
        raw = body if isinstance(body, bytes | str) else json.dumps(body)
        headers.setdefault("Authorization", f"Bearer {self.token}")
        return Client().generic("POST", url, raw, content_type=kind, headers=headers)


def problem(response: Any) -> dict[str, str]:
    """The fields that a refusal names; it has to be problem+json."""
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    return {error["field"]: error["detail"] for error in body.get("errors", [])}
