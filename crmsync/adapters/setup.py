"""What an admin has to tell an adapter: its settings, its credentials, and where a vendor's own sign-in page is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class Setting:
    """One thing to fill in. ``only_for``: the flows that need it, all where it is empty."""

    name: str
    label: Text
    kind: Literal["text", "url", "secret", "long_secret", "number", "choice"] = "text"
    help: Text = ""
    default: str = ""
    is_required: bool = True
    choices: tuple[tuple[str, Text], ...] = ()
    only_for: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether it is kept encrypted and never shown again."""
        return self.kind in ("secret", "long_secret")


@dataclass(frozen=True)
class SignIn:
    """A vendor's own sign-in page (OAuth 2, authorisation code); ``flow`` is the one that it serves."""

    flow: str
    path: str
    scope: str

    def address(self, base: str, client_id: str, back: str, state: str) -> str:
        """Where to send the admin."""
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": back,
            "scope": self.scope,
            "state": state,
        }
        return f"{base.rstrip('/')}{self.path}?{urlencode(asked)}"


@dataclass(frozen=True)
class Setup:
    """How a connection of this kind is set up."""

    name: str
    about: Text
    settings: tuple[Setting, ...] = ()
    sign_in: SignIn | None = None
    # Where the sign-in page is: a setting, or an address that is always the same.
    sign_in_at: str = ""
    # What has run against the vendor's own sandbox may say so; everything else is shape-tested.
    is_proven: bool = False
    poll_seconds: int = 60
    # What our account there must be allowed to do, and no more.
    needs: tuple[Text, ...] = ()

    def wanted(self, flow: str) -> list[Setting]:
        """The settings of one flow."""
        return [one for one in self.settings if not one.only_for or flow in one.only_for]

    def missing(self, config: Mapping[str, Any], kept: Mapping[str, str]) -> list[Setting]:
        """What is still to be filled in."""
        flow = str(config.get("flow", ""))
        given: dict[str, Any] = {**config, **kept}
        return [one for one in self.wanted(flow) if one.is_required and not given.get(one.name)]
