"""One file per kind of channel: how its raw submissions are read in our language."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from leads.channels import direct, file
from leads.channels.base import TEST_MARK, Hook, SetAside
from leads.channels.calendly import Calendly
from leads.channels.google_ads import GoogleAds
from leads.channels.hubspot import HubSpot
from leads.channels.intercom import Intercom
from leads.channels.linkedin import LinkedIn
from leads.channels.mail import Mail
from leads.channels.meta import Meta
from leads.channels.salesforce import Salesforce
from leads.channels.tiktok import TikTok
from leads.channels.typeform import Typeform
from leads.channels.webhook import Webhook
from leads.models import Capture, Channel

Reader = Callable[[Capture], Mapping[str, Any]]

READERS: dict[str, Reader] = {
    Channel.Kind.API: direct.read,
    Channel.Kind.FORM: direct.read,
    Channel.Kind.MANUAL: direct.read,
    Channel.Kind.IMPORT: file.read,
}

# Services that call us at hooks/<channel>/.
HOOKS: dict[str, Hook] = {
    Channel.Kind.WEBHOOK: Webhook(),
    Channel.Kind.META: Meta(),
    Channel.Kind.GOOGLE_ADS: GoogleAds(),
    Channel.Kind.LINKEDIN: LinkedIn(),
    Channel.Kind.TIKTOK: TikTok(),
    Channel.Kind.TYPEFORM: Typeform(),
    Channel.Kind.CALENDLY: Calendly(),
    Channel.Kind.INTERCOM: Intercom(),
    Channel.Kind.HUBSPOT: HubSpot(),
    Channel.Kind.SALESFORCE: Salesforce(),
    Channel.Kind.MAIL: Mail(),
}


def read_payload(capture: Capture) -> Mapping[str, Any]:
    """The submission in our language, as its channel understands it. Raises SetAside, Refused."""
    kind = capture.channel.kind
    if capture.payload.get(TEST_MARK):
        raise SetAside(Capture.Status.TEST, "test", _("Sent by the test button."))
    return HOOKS[kind].read(capture) if kind in HOOKS else READERS[kind](capture)


def touch_kind(kind: str) -> str:
    """What a submission through a channel of this kind counts as (see leads.models.Touchpoint.Kind)."""
    return HOOKS[kind].touch if kind in HOOKS else kind
