"""Errors with a meaning. A DomainError carries a sentence for the person; the other three steer retries."""

from collections.abc import Mapping


class DomainError(Exception):
    """Something a person asked for cannot be done; ``str(error)`` is the sentence that says why.

    ``status`` is the HTTP status, ``code`` a stable word for machines, ``fields`` the complaint per field.
    """

    status = 409
    code = "conflict"

    def __init__(self, message: str, *, code: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.fields = dict(fields or {})


class InvalidInput(DomainError):
    """What was sent cannot be read or lacks something; ``fields`` names what to mend."""

    status = 422
    code = "invalid"


class NotPermitted(DomainError):
    """This person may not do this."""

    status = 403
    code = "forbidden"


class RetryableError(Exception):
    """The outside world failed in a way that may pass: try again later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(Exception):
    """The outside world refused for good: trying again changes nothing."""


class ConfigurationError(Exception):
    """Something an admin has configured is wrong; the message says what to mend."""
