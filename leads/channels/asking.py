"""Asking a service for the answers that its webhook does not bring."""

import json
from collections.abc import Mapping
from typing import Any

from leadmgmt.core.errors import ConfigurationError, PermanentError, RetryableError
from leadmgmt.core.http import call

SECONDS = 10.0


def ask(url: str, *, headers: Mapping[str, str], service: str) -> dict[str, Any]:
    """GET a JSON object. Raises RetryableError (slow, 429, 5xx, no JSON), PermanentError, ConfigurationError."""
    try:
        response = call("GET", url, seconds=SECONDS, headers={"Accept": "application/json", **headers})
    except PermanentError as error:
        if any(status in str(error) for status in (" 401.", " 403.")):
            raise ConfigurationError(
                f"{service} refuses the channel's token ({error}) Make a new one, save it in the channel, try again."
            ) from error
        raise
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        # A page of a proxy or of a maintenance crew: it passes.
        raise RetryableError(f"{service} answered something that is no JSON.") from None
    if not isinstance(found, dict):
        raise PermanentError(f"{service} answered JSON, but no object.")
    return found
