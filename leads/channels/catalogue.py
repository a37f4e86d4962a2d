"""What there is to choose from when a channel is added, and what each kind says about itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from leads.channels import HOOKS
from leads.channels.base import Setting, Snippet, Text
from leads.models import Channel
from leads.services.credentials import setup_of

Kind = Channel.Kind


@dataclass(frozen=True)
class Entry:
    """One kind of channel: its icon, and in a sentence what it is for."""

    kind: str
    icon: str
    about: Text
    settings: tuple[Setting, ...] = ()

    @property
    def label(self) -> Text:
        """Its name."""
        return Kind(self.kind).label


OWN = {
    Kind.FORM: ("note", _("A page of ours with your questions: linked, embedded or posted to from your own site.")),
    Kind.API: ("link", _("Your website or program sends submissions with a key of its own.")),
    Kind.IMPORT: ("upload", _("Lists from fairs, partners and old systems: CSV, TSV or Excel.")),
    Kind.MANUAL: ("person", _("What reps enter themselves: a call, a card, a word at the fair.")),
}
ICONS = {
    Kind.WEBHOOK: "globe",
    Kind.CALENDLY: "calendar",
    Kind.INTERCOM: "quote",
    Kind.MAIL: "mail",
    Kind.SALESFORCE: "company",
}


def entry(kind: str) -> Entry:
    """What a kind says about itself."""
    if kind in OWN:
        return Entry(kind, *OWN[Kind(kind)])
    hook = HOOKS.get(kind)
    icon = ICONS.get(Kind(kind), "flag")
    return Entry(kind, icon, hook.about, hook.settings) if hook else Entry(kind, icon, "")


def entries() -> list[Entry]:
    """Everything that can be added, ours first."""
    return [entry(kind) for kind in (*OWN, *HOOKS)]


CURL = """curl {url} \\
  -H "Authorization: Bearer <key>" \\
  -H "Content-Type: application/json" \\
  -d '{{"email": "ann@firm.example", "name": "Ann Dyk", "company": "Firm GmbH", "subject": "demo"}}'"""


def snippets(channel: Channel, url: str) -> Sequence[Snippet]:
    """What to copy for this channel; ``url`` is where its submissions go to."""
    if channel.kind == Kind.API:
        return [Snippet(_("A submission with curl"), CURL.format(url=url))]
    hook = HOOKS.get(channel.kind)
    return hook.snippets(url, setup_of(channel)) if hook else ()
