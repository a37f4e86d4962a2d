"""The only exceptions that an adapter may raise, each with what the engine does about it (CRM_CONTRACT 4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from leadmgmt.core.kept_words import worded


class AdapterError(Exception):
    """Base of all. ``str(error)`` goes into the row that failed and onto the health page: no personal data in it."""


class Unsent(AdapterError):
    """Refused before anything left us: retried with the same key."""


class RateLimited(AdapterError):
    """Rejected before it was carried out: waits ``retry_after`` seconds, costs no attempt."""

    def __init__(self, message: str = "", *, scope: str = "", retry_after: float | None = None) -> None:
        super().__init__(message or worded("Too many requests."))
        self.scope = scope
        self.retry_after = retry_after


class QuotaExhausted(AdapterError):
    """The day's budget is gone: the connection rests until ``reset_at``."""

    def __init__(self, message: str = "", *, reset_at: datetime | None = None) -> None:
        super().__init__(message or worded("The CRM's daily quota is used up."))
        self.reset_at = reset_at


class Ambiguous(AdapterError):
    """A write was sent and no definite answer came: verified before anything is sent again."""


class Unavailable(AdapterError):
    """A read failed in a way that may pass: read again later."""


class AuthExpired(AdapterError):
    """The token is stale; refreshed once."""


class AuthRevoked(AdapterError):
    """A person has to sign in anew: the connection rests, nothing is dropped."""


class Forbidden(AdapterError):
    """The CRM does not let our account do this: the entry waits for a person."""


class Invalid(AdapterError):
    """The CRM refuses the values: given up at once, with the complaint per field."""

    def __init__(self, message: str = "", *, field_errors: Mapping[str, str] | None = None) -> None:
        self.field_errors = dict(field_errors or {})
        listed = "; ".join(f"{name}: {complaint}" for name, complaint in self.field_errors.items())
        super().__init__(message or listed or worded("The CRM refuses these values."))


class DuplicateSuspected(AdapterError):
    """The CRM's own duplicate rule fired: a person decides, never overridden."""

    def __init__(self, message: str = "", *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message or worded("The CRM suspects a duplicate."))
        self.candidates = list(candidates)


class VersionConflict(AdapterError):
    """Somebody wrote in between: merged again against ``current``, a `Remote` where the CRM sent it along."""

    def __init__(self, message: str = "", *, current: Any = None) -> None:
        super().__init__(message or worded("The record changed in the CRM meanwhile."))
        self.current = current


class Locked(AdapterError):
    """Another writer holds the row: a short wait, then again."""


class Gone(AdapterError):
    """The record was deleted in the CRM."""


class Moved(AdapterError):
    """The record was merged into ``new_id``."""

    def __init__(self, message: str = "", *, new_id: str = "") -> None:
        super().__init__(message or worded("The record was merged into another one."))
        self.new_id = new_id


class PartialWrite(AdapterError):
    """A write of several steps stopped half-way: read anew, the rest is planned afresh."""

    def __init__(self, message: str = "", *, done_steps: Sequence[str] = (), cause: Exception | None = None) -> None:
        super().__init__(message or worded("Only part of the change was carried out."))
        self.done_steps = list(done_steps)
        self.cause = cause


class SchemaDrift(AdapterError):
    """A mapped field, stage or option is missing in the CRM or changed its type."""


class Unsupported(AdapterError):
    """This CRM cannot do that."""


class AdapterBug(AdapterError):
    """The adapter itself went wrong."""


class WebhookRefused(AdapterError):
    """A webhook is not to be believed."""


class BadSignature(WebhookRefused):
    """Definitely forged: answered 401."""


class Stale(WebhookRefused):
    """Signed long ago, or in the future."""


class Malformed(WebhookRefused):
    """Cannot be read."""
