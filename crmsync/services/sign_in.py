"""Signing in at the vendor's own page (OAuth 2): out with a signed word, back with a code for a refresh token."""

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext as _

from crmsync.adapters.errors import AdapterError
from crmsync.adapters.registry import adapter_for, setup_of
from crmsync.models import Connection
from crmsync.services.claim import DEADLINE
from crmsync.services.setup import NotReady, kept_secrets, save_access
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.models import User

SALT = "crmsync.sign_in"
LIVES = 600


def back_address() -> str:
    """Where the vendor sends the admin back to; the same for all connections, as vendors keep a list of them."""
    return f"{settings.PUBLIC_URL}{reverse('crmsync:signed_in')}"


def begin(connection: Connection, user: User) -> str:
    """The vendor's page. Raises NotReady where the connection does not sign in there."""
    setup = setup_of(connection.adapter)
    sign_in = setup.sign_in
    if sign_in is None or connection.config.get("flow") != sign_in.flow:
        raise NotReady(_("This connection signs in with a key."))
    client_id = kept_secrets(connection).get("client_id", "")
    if not client_id:
        raise NotReady(_("Save the client's id and secret first."))
    at = setup.sign_in_at
    base = at if at.startswith("https://") else str(connection.config.get(at, ""))
    state = signing.dumps({"connection": connection.pk, "user": user.pk}, salt=SALT)
    return sign_in.address(base, client_id, back_address(), state)


def finish(state: str, code: str, user: User) -> Connection:
    """Exchange the code. Raises InvalidInput for a word that is not ours, NotReady where the vendor gives no token."""
    try:
        said = signing.loads(state, salt=SALT, max_age=LIVES)
        connection = Connection.objects.get(pk=said["connection"])
    except (signing.BadSignature, Connection.DoesNotExist, KeyError, TypeError) as error:
        raise InvalidInput(_("This sign-in was not begun here, or too long ago. Begin it again.")) from error
    if said["user"] != user.pk:
        raise InvalidInput(_("Somebody else began this sign-in. Begin it again."))
    adapter = adapter_for(connection)
    try:
        given = adapter.exchange(code, back_address(), now() + DEADLINE)  # type: ignore[attr-defined]  # those that sign in have it
    except AdapterError as error:
        raise NotReady(_("The CRM gave no token: %(why)s") % {"why": error}) from error
    if not given.refresh:
        raise NotReady(_("The CRM gave no refresh token: allow “offline access” in its settings."))
    save_access(connection, connection.name, {}, {"refresh_token": given.refresh})
    return connection
