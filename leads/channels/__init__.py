"""One file per kind of channel: how its raw submissions are read in our language."""

from collections.abc import Callable, Mapping
from typing import Any

from leads.channels import direct, file
from leads.models import Capture, Channel

Reader = Callable[[Capture], Mapping[str, Any]]

READERS: dict[str, Reader] = {
    Channel.Kind.API: direct.read,
    Channel.Kind.FORM: direct.read,
    Channel.Kind.MANUAL: direct.read,
    Channel.Kind.IMPORT: file.read,
}


def read_payload(capture: Capture) -> Mapping[str, Any]:
    """The submission in our language, as its channel understands it."""
    return READERS[capture.channel.kind](capture)
