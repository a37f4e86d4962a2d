"""SDRs and reps whom a file names by its own ids: found again, or made as people who cannot sign in."""

import hashlib
import re
from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from leads.models import User

# An id of a machine is shown by its beginning, a name as it is.
MACHINE_ID = re.compile(r"[0-9A-Za-z_-]{13,}")
SHOWN = 8


def people_named(cells: Iterable[str], role: str) -> tuple[dict[str, User], int]:
    """The people behind these ids, and how many of them are new. Call it inside a transaction."""
    wanted = {cell for cell in cells if cell}
    found = {str(user.external_id): user for user in User.objects.filter(external_id__in=wanted)}
    by_address = {user.email: user for user in User.objects.filter(email__in=[cell.lower() for cell in wanted])}
    for cell in wanted - set(found):
        if user := by_address.get(cell.lower()):
            found[cell] = user
    unknown = sorted(wanted - set(found))
    group = Group.objects.get_or_create(name=role)[0] if unknown else None
    for cell in unknown:
        found[cell] = _make(cell)
        if group is not None:
            found[cell].groups.add(group)
    return found, len(unknown)


def _make(cell: str) -> User:
    first, _, last = ("", "", cell[:SHOWN]) if MACHINE_ID.fullmatch(cell) else cell.partition(" ")
    mark = hashlib.sha256(cell.encode()).hexdigest()[:16]
    return User.objects.create(
        # The domain is reserved: nothing that is sent there ever arrives anywhere.
        email=f"{mark}@history.invalid",
        external_id=cell[:255],
        first_name=first[:150],
        last_name=last[:150],
        is_active=False,
        password=make_password(None),
    )
