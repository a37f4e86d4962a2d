"""A form's draft beside what is published: kept, published, discarded, and the last publishing taken back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from leadmgmt.core.errors import DomainError
from leads.channels.form import DEFAULT, read_form
from leads.models import Channel, User

# What belongs to the editing, not to the form.
BESIDE = ("draft", "draft_revision", "previous", "published_at", "published_by")


class Outdated(DomainError):
    """A colleague has changed the form meanwhile."""

    code = "outdated"


def published(channel: Channel) -> dict[str, Any]:
    """The form as it is live."""
    config = channel.config if isinstance(channel.config, dict) else {}
    live = {name: value for name, value in config.items() if name not in BESIDE}
    return live if live.get("fields") else {**DEFAULT, **live}


def draft_of(channel: Channel) -> dict[str, Any]:
    """The draft, or what is live where nobody edits."""
    draft = channel.config.get("draft") if isinstance(channel.config, dict) else None
    return dict(draft) if isinstance(draft, dict) else published(channel)


def revision_of(channel: Channel) -> int:
    """Counts the changes of the draft, so that two people do not write over each other."""
    told = channel.config.get("draft_revision") if isinstance(channel.config, dict) else 0
    return told if isinstance(told, int) else 0


def save_draft(channel_id: int, form: Mapping[str, Any], revision: int) -> Channel:
    """Keep a draft, whole or half done. Raises Outdated."""
    with transaction.atomic():
        channel = _locked(channel_id)
        if revision_of(channel) != revision:
            raise Outdated(_("A colleague has changed this form meanwhile. Look at it before you go on."))
        channel.config = {**channel.config, "draft": dict(form), "draft_revision": revision + 1}
        channel.save(update_fields=["config"])
    return channel


def publish(channel_id: int, *, by: User, at: datetime) -> Channel:
    """Make the draft live. A consent whose words changed gets a new version. Raises WrongForm, and stays a draft."""
    with transaction.atomic():
        channel = _locked(channel_id)
        draft, live = draft_of(channel), published(channel)
        draft["consents"] = [
            _versioned(one, live.get("consents") or [], at)
            for one in draft.get("consents") or []
            if isinstance(one, dict)
        ]
        read_form(draft)
        channel.config = {
            **draft,
            "previous": live,
            "draft_revision": revision_of(channel) + 1,
            "published_at": at.isoformat(),
            "published_by": by.pk,
        }
        channel.save(update_fields=["config"])
    return channel


def discard(channel_id: int) -> Channel:
    """Forget the draft."""
    with transaction.atomic():
        channel = _locked(channel_id)
        kept = {name: value for name, value in channel.config.items() if name != "draft"}
        channel.config = {**kept, "draft_revision": revision_of(channel) + 1}
        channel.save(update_fields=["config"])
    return channel


def take_back(channel_id: int) -> Channel:
    """Make live again what was so before the last publishing; that becomes the one to go back to."""
    with transaction.atomic():
        channel = _locked(channel_id)
        previous = channel.config.get("previous")
        if not isinstance(previous, dict):
            raise DomainError(_("There is nothing to go back to."))
        channel.config = {**previous, "previous": published(channel), "draft_revision": revision_of(channel) + 1}
        channel.save(update_fields=["config"])
    return channel


def _locked(channel_id: int) -> Channel:
    channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel_id, kind=Channel.Kind.FORM)
    channel.config = channel.config if isinstance(channel.config, dict) else {}
    return channel


def _versioned(one: dict[str, Any], live: list[Any], at: datetime) -> dict[str, Any]:
    """The consent with the version of its words: the live one's where they are the same, else today's."""
    words = _words(one)
    known = [known for known in live if isinstance(known, dict) and known.get("purpose") == one.get("purpose")]
    for other in known:
        if _words(other) == words and other.get("version"):
            return {**one, "version": other["version"]}
    today, taken = at.date().isoformat(), {str(other.get("version")) for other in known}
    version, number = today, 2
    while version in taken:
        version, number = f"{today}.{number}", number + 1
    return {**one, "version": version}


def _words(one: Mapping[str, Any]) -> tuple[str, str]:
    return str(one.get("text_en") or one.get("text") or ""), str(one.get("text_de") or "")
