"""Channels that speak our language already: API, hosted form, by hand."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from leads.channels.base import SetAside
from leads.models import Capture
from leads.normalise.submission import UTM

CARRIED = (*UTM, "referrer", "landing_page")


def read(capture: Capture) -> Mapping[str, Any]:
    """The payload; what the transport knows of the visit counts where the payload is silent. Raises SetAside."""
    if capture.payload.get("is_test") is True:
        raise SetAside(Capture.Status.TEST, "test", _("Sent as a test."))
    carried = {name: capture.context[name] for name in CARRIED if capture.context.get(name)}
    return carried | {name: value for name, value in capture.payload.items() if value is not None and value != ""}
