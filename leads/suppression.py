"""People who were erased are not brought back by a file or another system; who comes back by themselves is looked at.

What they were matched by is kept as a keyed hash alone (HMAC-SHA256; the key lies outside the database).
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from leads.channels.base import SetAside
from leads.configuration import Kept
from leads.models import Capture, Channel, ErasedKey
from leads.normalise import Problem, Submission
from leads.normalise.refusal import Refused

VERDICT = "erased"
# Here somebody else speaks of them; at every other door people speak for themselves.
DOORS_OF_OTHERS = frozenset(
    kind.value for kind in (Channel.Kind.API, Channel.Kind.WEBHOOK, Channel.Kind.IMPORT, Channel.Kind.MANUAL)
)


def hash_of(key: str) -> str:
    """The keyed hash of what somebody is matched by: a matched address, or a number in E.164."""
    return hmac.new(settings.ERASURE_KEY.encode(), key.encode(), hashlib.sha256).hexdigest()


_erased = Kept(lambda: frozenset(ErasedKey.objects.values_list("key_hash", flat=True)), "leads_erasedkey")


def is_erased(found: Submission) -> bool:
    """Whether a submission is about somebody who was erased."""
    known = _erased()
    return bool(known) and any(hash_of(key) in known for key in keys_of(found))


def keys_of(found: Submission) -> list[str]:
    """What they are matched by."""
    return [key for key in (found.email_key, found.phone) if key]


def keep_erased(capture: Capture, found: Submission) -> None:
    """Raise for a submission about somebody who was erased.

    SetAside where it may come from them: an admin looks at it, and releasing it ends the erasure's hold. Refused where
    a file or a system brings them back.
    """
    if not is_erased(found):
        return
    if capture.channel.kind in DOORS_OF_OTHERS:
        raise refusal(found)
    said = _("This person was erased on request. Release it only if they have come back by themselves.")
    raise SetAside(Capture.Status.QUARANTINED, VERDICT, said)


def refusal(found: Submission) -> Refused:
    """Why nobody may bring this person back."""
    said = _("This person was erased on request and is not taken in again. Remove them at the source.")
    return Refused(said, [Problem("email" if found.email_key else "phone", said)], code=VERDICT)


def forget_what_it_said(capture_ids: Iterable[UUID | str]) -> None:
    """Nothing of a submission stays that was not taken in because its person was erased."""
    empty: dict[str, Any] = {
        "payload": {},
        "payload_hash": "",
        "context": {},
        "fetched": None,
        "external_id": "",
        "idempotency_key": "",
    }
    Capture.objects.filter(pk__in=list(capture_ids), verdict=VERDICT).update(**empty)


def let_back(found: Submission) -> int:
    """They came back by themselves: known as erased no more, by nothing. Returns how many keys that were."""
    known = ErasedKey.objects.filter(key_hash__in=[hash_of(key) for key in keys_of(found)])
    return ErasedKey.objects.filter(erasure__in=list(known.values_list("erasure", flat=True))).delete()[0]
