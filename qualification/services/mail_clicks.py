"""Clicks in our mails, counted by ourselves where an organisation wants that and no mail service does it for us."""

from django.conf import settings
from django.core import signing
from django.urls import reverse

from leadmgmt.core.now import now
from leads.models import Organisation
from qualification.services.mail_news import note_news

SALT = "qualification.mail_click"


def counts_clicks() -> bool:
    """Whether links lead over our own address."""
    return Organisation.objects.filter(counts_mail_clicks=True).exists()


def counted_link(mail_id: int, url: str) -> str:
    """An address of ours that notes the click and leads on to ``url``. It is signed: nobody else can make one, so that
    it leads nowhere but where our mails do."""
    token = signing.dumps([mail_id, url], salt=SALT, compress=True)
    return settings.PUBLIC_URL + reverse("qualification:mail_click", args=[token])


def follow(token: str, *, is_look: bool) -> str | None:
    """Where a link leads; None for one that is not ours. The click counts, unless it ``is_look`` of a program that only
    asks what is there. The first click of a mail counts."""
    try:
        mail_id, url = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    if not is_look:
        note_news(mail_id, "clicked", now())
    return str(url)
