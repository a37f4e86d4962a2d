"""What a channel with a door of its own looks like: a webhook that another service calls.

One file per service. Reading and checking are pure; what the network has to be asked for is `fetch`, and runs with no
transaction open. To add a service: write its `Hook`, name it in leads/channels/__init__.py, give it a kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.api.body import Malformed, parse_json
from leads.models import Capture

Text = str | Promise


# Stands in a submission that our own test button sends: kept as a test.
TEST_MARK = "leadmgmt_test"


class Unsigned(DomainError):
    """The call does not prove that it comes from whom it says."""

    status = 401
    code = "unsigned"

    def __init__(self, message: str, *, code: str = "", status: int = 401) -> None:
        super().__init__(message, code=code)
        self.status = status


class NotACall(DomainError):
    """The call cannot be read as what this service sends."""

    status = 400
    code = "malformed"


class SetAside(Exception):
    """A submission that is kept, but becomes no lead: a test, spam, or something that is no interest of anybody.

    ``status`` is that of the capture (quarantined, test, ignored), ``verdict`` a short code, ``detail`` a sentence.
    """

    def __init__(self, status: str, verdict: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.verdict, self.detail = status, verdict, detail


@dataclass(frozen=True)
class Setting:
    """One thing that an admin fills in. ``kind``: text, secret, switch, lines (one entry per line) or choice."""

    key: str
    label: Text
    help: Text = ""
    kind: str = "text"
    is_required: bool = False
    options: tuple[tuple[str, Text], ...] = ()
    placeholder: str = ""


@dataclass(frozen=True)
class Setup:
    """A channel's configuration with its credentials opened."""

    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        """A setting as text."""
        value = self.config.get(key)
        return str(value).strip() if isinstance(value, str | int) else default

    def secret(self, key: str) -> str:
        """A credential; raises Unsigned where none is set, as nothing could be checked by it."""
        found = self.secrets.get(key, "")
        if not found:
            raise Unsigned(_("The channel has no key to check the call by yet: enter it under Setup, Channels."))
        return found


@dataclass(frozen=True)
class Call:
    """One HTTP call to a channel's door. ``url`` is the public address with its query; headers are in small letters."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value, empty where it was not sent."""
        return self.headers.get(name.lower(), "")

    @property
    def content_type(self) -> str:
        """The header of that name."""
        return self.header("content-type")

    def json(self) -> Any:
        """The body as JSON, read as strictly as our own API's. Raises NotACall."""
        try:
            return parse_json(self.body, self.content_type)
        except Malformed as error:
            raise NotACall(str(error)) from None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises NotACall."""
        found = self.json()
        if not isinstance(found, dict):
            raise NotACall(_("The body is no JSON object."))
        return found


@dataclass(frozen=True)
class Delivery:
    """One submission in a call: kept raw as ``payload``.

    ``external_id`` is the source's own id of the submission: the same again changes nothing. ``aside`` keeps it out of
    the pipeline from the start.
    """

    payload: Mapping[str, Any]
    external_id: str = ""
    idempotency_key: str = ""
    occurred_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    aside: SetAside | None = None


@dataclass(frozen=True)
class Snippet:
    """Something to copy into the other service, with what it is."""

    label: Text
    text: str
    note: Text = ""


class Hook:
    """One service. Every method may be overridden; `deliveries` and `read` have to be."""

    # What an admin fills in; kind "secret" is kept encrypted.
    settings: ClassVar[tuple[Setting, ...]] = ()
    # What the touch counts as (leads.models.Touchpoint.Kind).
    touch: ClassVar[str] = "form"
    # The largest call that is taken; 0: as much as a submission by API.
    most_bytes: ClassVar[int] = 0
    # One sentence for the setup page: where in the other service the address is entered.
    about: ClassVar[Text] = ""

    def challenge(self, call: Call, setup: Setup) -> HttpResponse:
        """The answer to a GET, by which some services check that the address is ours."""
        raise NotACall(_("Only POST is answered here."))

    def verify(self, call: Call, setup: Setup) -> None:
        """Raise Unsigned unless the call proves where it comes from, compared in constant time."""

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """The submissions in a call; none for what is no submission. Raises NotACall."""
        raise NotImplementedError

    def answer(self, call: Call, setup: Setup, captures: Sequence[Capture]) -> HttpResponse:
        """What the service wants to hear when everything is kept."""
        return JsonResponse({"received": len(captures)})

    def refuse(self, call: Call, setup: Setup, error: DomainError) -> HttpResponse | None:
        """How a refusal is told where a person reads it; None for problem+json."""
        return None

    def needs_answer(self, capture: Capture) -> bool:
        """Whether the source has to be asked before the capture can be read (its `fetched` is empty)."""
        return False

    def fetch(self, capture: Capture, setup: Setup) -> Any:
        """Ask the source. No transaction is open. Raises RetryableError, PermanentError, ConfigurationError."""
        raise NotImplementedError

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """The submission in our language. Raises SetAside, leads.normalise.refusal.Refused."""
        raise NotImplementedError

    def checks(self, setup: Setup) -> Sequence[tuple[str, str]]:
        """What the test button asks the service itself: what is well, and a note. Raises as `fetch` does."""
        return ()

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """What to copy into the other service, beside the address itself."""
        return ()

    def example(self, url: str, setup: Setup) -> Call | None:
        """A signed call as the service would make it, marked as a test where it can be: for the test button."""
        return None
