"""One file per kind of channel: how its raw submissions are read in our language."""

from collections.abc import Callable, Mapping
from typing import Any

from leads.channels import direct, file
from leads.channels.base import Hook
from leads.models import Capture, Channel

Reader = Callable[[Capture], Mapping[str, Any]]

READERS: dict[str, Reader] = {
    Channel.Kind.API: direct.read,
    Channel.Kind.FORM: direct.read,
    Channel.Kind.MANUAL: direct.read,
    Channel.Kind.IMPORT: file.read,
}

# Services that call us at hooks/<channel>/.
HOOKS: dict[str, Hook] = {}


def read_payload(capture: Capture) -> Mapping[str, Any]:
    """The submission in our language, as its channel understands it. Raises SetAside, Refused."""
    kind = capture.channel.kind
    return HOOKS[kind].read(capture) if kind in HOOKS else READERS[kind](capture)


def touch_kind(kind: str) -> str:
    """What a submission through a channel of this kind counts as (see leads.models.Touchpoint.Kind)."""
    return HOOKS[kind].touch if kind in HOOKS else kind
