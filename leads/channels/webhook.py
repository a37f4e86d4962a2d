"""The generic webhook: any service that posts JSON or a form, read through a mapping that an admin edits.

A channel's config holds `mapping`::

    {"list": "data.leads", "id": "id", "test": "flags.test", "ignore": "type != 'lead'", "occurred_at": "created",
     "fields": {"email": "contact.email", "budget": "answers[?q=='budget'].a | [0]"},
     "constants": {"source": "partner-portal"}}

All expressions are JMESPath. `list` is looked up in the whole body, the others in one submission of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jmespath
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jmespath.exceptions import JMESPathError

from leadmgmt.core.errors import InvalidInput
from leads.channels import signatures
from leads.channels.base import TEST_MARK, Call, Delivery, Hook, NotACall, SetAside, Setting, Setup, Snippet, Unsigned
from leads.channels.posted import FORM, fields
from leads.channels.tree import milliseconds, moment, our_name, seconds, text
from leads.models import Capture
from leads.normalise.read import OURS

LONGEST = 300
MOST_AT_ONCE = 1000
PROOFS = (
    ("bearer", gettext_lazy("Authorization: Bearer with the key")),
    ("basic", gettext_lazy("User name and the key as password")),
    ("header", gettext_lazy("The key in a header")),
    ("hmac", gettext_lazy("A signature of the body in a header")),
    ("none", gettext_lazy("None: whoever knows the address may send")),
)


@dataclass(frozen=True)
class FieldMap:
    """One mapping, its expressions checked."""

    list: str = ""
    id: str = ""
    test: str = ""
    ignore: str = ""
    occurred_at: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)


SINGLE = ("list", "id", "test", "ignore", "occurred_at")


@lru_cache(maxsize=2000)
def compiled(expression: str) -> Any:
    """A parsed expression. Raises InvalidInput with what is wrong with it."""
    if len(expression) > LONGEST:
        raise InvalidInput(_("Longer than %(count)d characters.") % {"count": LONGEST})
    try:
        return jmespath.compile(expression)
    except (JMESPathError, RecursionError, ValueError) as error:
        raise InvalidInput(_("This is no JMESPath: %(what)s") % {"what": str(error).splitlines()[0]}) from None


def find(expression: str, tree: Any) -> Any:
    """What an expression finds; None where it finds nothing or cannot be applied to what is there."""
    if not expression:
        return None
    try:
        return compiled(expression).search(tree)
    except (JMESPathError, InvalidInput, RecursionError, TypeError, ValueError, AttributeError):
        return None


def mapping_of(config: Any) -> FieldMap:
    """The mapping in a channel's config; what is no text in it does not count."""
    told = config.get("mapping") if isinstance(config, Mapping) else None
    told = told if isinstance(told, Mapping) else {}

    def texts(name: str) -> dict[str, str]:
        pairs = told.get(name)
        return {str(key): str(value) for key, value in pairs.items() if value} if isinstance(pairs, Mapping) else {}

    single = {name: str(told.get(name) or "") for name in SINGLE}
    return FieldMap(**single, fields=texts("fields"), constants=texts("constants"))


def check_mapping(mapping: FieldMap) -> dict[str, str]:
    """What is wrong, by the row's name."""
    wrong = {}
    rows = {name: getattr(mapping, name) for name in SINGLE} | mapping.fields
    for name, expression in rows.items():
        if not expression:
            continue
        try:
            compiled(expression)
        except InvalidInput as error:
            wrong[name] = str(error)
    return wrong


def apply(mapping: FieldMap, tree: Any) -> dict[str, Any]:
    """One submission in our language. Without a mapping, keys that say what they are are taken at their word."""
    if not mapping.fields:
        told = tree if isinstance(tree, Mapping) else {}
        found = {(our_name(str(name)) or str(name)): value for name, value in told.items() if name != TEST_MARK}
    else:
        found = {name: find(expression, tree) for name, expression in mapping.fields.items()}
    payload = {
        name: text(value) if name in OURS and name != "consent" else value
        for name, value in found.items()
        if value not in (None, "", [], {})
    }
    return {**mapping.constants, **payload}


def propose(tree: Any) -> dict[str, str]:
    """Our fields with the paths at which a submission seems to hold them, by the names of its keys."""
    proposed: dict[str, str] = {}
    level: list[tuple[str, Any]] = [("", tree)]
    while level:
        deeper: list[tuple[str, Any]] = []
        for path, value in level:
            if not isinstance(value, Mapping):
                continue
            for key, inner in value.items():
                step = f"{path}.{quoted(str(key))}" if path else quoted(str(key))
                name = our_name(str(key))
                if name and isinstance(inner, str | int | float) and not isinstance(inner, bool) and inner != "":
                    proposed.setdefault(name, step)
                deeper.append((step, inner))
        level = deeper[:500]
    return proposed


def quoted(key: str) -> str:
    """A key as a step of an expression."""
    plain = key.replace("_", "a").isalnum() and key.isascii() and not key[:1].isdigit()
    return key if plain else json.dumps(key)


class Webhook(Hook):
    """Any service."""

    about = gettext_lazy("For every service that can post JSON or a form. What its fields mean is said by a mapping.")
    settings = (
        Setting("proof", gettext_lazy("How the service proves itself"), kind="choice", options=PROOFS),
        Setting("key", gettext_lazy("Key"), kind="secret"),
        Setting("user", gettext_lazy("User name"), gettext_lazy("For user name and password.")),
        Setting("header", gettext_lazy("Header"), placeholder="X-Signature"),
        Setting(
            "algorithm",
            gettext_lazy("Signature by"),
            kind="choice",
            options=tuple((name, name.upper().replace("SHA", "SHA-")) for name in signatures.ALGORITHMS),
        ),
        Setting(
            "encoding",
            gettext_lazy("Signature written in"),
            kind="choice",
            options=(("hex", gettext_lazy("hex")), ("base64", "base64")),
        ),
        Setting("prefix", gettext_lazy("Before the signature"), placeholder="sha256="),
    )

    def verify(self, call: Call, setup: Setup) -> None:
        """As the channel says."""
        proof = setup.text("proof") or "bearer"
        if proof == "none":
            return
        key = setup.secret("key")
        if proof == "basic":
            signatures.check_basic(call, setup.text("user"), key)
        elif proof == "header":
            signatures.check(call, setup.text("header") or "X-Api-Key", key)
        elif proof == "hmac":
            signatures.check(call, setup.text("header") or "X-Signature", _sign(setup, key, call.body))
        elif proof == "bearer":
            signatures.check_bearer(call, key)
        else:
            raise Unsigned(_("The channel does not say how a call proves itself."))

    def deliveries(self, call: Call, setup: Setup) -> Sequence[Delivery]:
        """Each submission in the body."""
        body = _body(call)
        mapping = mapping_of(setup.config)
        found = find(mapping.list, body) if mapping.list else body
        if mapping.list and found is None:
            raise NotACall(_("Nothing stands at %(path)s.") % {"path": mapping.list})
        rows = found if isinstance(found, list) else [found]
        if len(rows) > MOST_AT_ONCE:
            raise NotACall(_("Send at most %(count)d submissions at once.") % {"count": MOST_AT_ONCE})
        return [_delivery(one, mapping) for one in rows]

    def read(self, capture: Capture) -> Mapping[str, Any]:
        """Through the mapping as it stands now."""
        mapping = mapping_of(capture.channel.config)
        if _is_true(find(mapping.ignore, capture.payload)):
            raise SetAside("ignored", "mapping", _("The mapping says that this is no submission."))
        return apply(mapping, capture.payload)

    def snippets(self, url: str, setup: Setup) -> Sequence[Snippet]:
        """A call to try."""
        head = {
            "bearer": ' -H "Authorization: Bearer <key>"',
            "basic": f' -u "{setup.text("user") or "<user>"}:<key>"',
            "header": f' -H "{setup.text("header") or "X-Api-Key"}: <key>"',
            "hmac": f' -H "{setup.text("header") or "X-Signature"}: <signature>"',
        }.get(setup.text("proof") or "bearer", "")
        line = f"curl {url}{head} -H 'Content-Type: application/json' -d '{{\"email\": \"ann@firm.example\"}}'"
        return [Snippet(gettext_lazy("A submission with curl"), line)]

    def example(self, url: str, setup: Setup) -> Call:
        """A submission."""
        body = json.dumps({"email": "test@example.com", "name": "Test Person", TEST_MARK: True}).encode()
        proof, headers = setup.text("proof") or "bearer", {"content-type": "application/json"}
        if proof != "none":
            key = setup.secret("key")
            name = (setup.text("header") or ("X-Signature" if proof == "hmac" else "X-Api-Key")).lower()
            if proof == "hmac":
                headers[name] = _sign(setup, key, body)
            elif proof == "header":
                headers[name] = key
            elif proof == "basic":
                headers["authorization"] = signatures.basic(setup.text("user"), key)
            else:
                headers["authorization"] = f"Bearer {key}"
        return Call("POST", url, headers=headers, body=body)


def _sign(setup: Setup, key: str, body: bytes) -> str:
    algorithm = setup.text("algorithm") or "sha256"
    make = signatures.base64ed if setup.text("encoding") == "base64" else signatures.hexadecimal
    return setup.text("prefix") + make(key, body, algorithm if algorithm in signatures.ALGORITHMS else "sha256")


def _body(call: Call) -> Any:
    if call.content_type.partition(";")[0].strip().lower() == FORM:
        return {name: values[0] if len(values) == 1 else values for name, values in fields(call).items()}
    return call.json()


def _delivery(one: Any, mapping: FieldMap) -> Delivery:
    if not isinstance(one, Mapping):
        raise NotACall(_("A submission is a JSON object."))
    aside = None
    if _is_true(find(mapping.test, one)):
        aside = SetAside("test", "test", _("The mapping says that this is a test."))
    when = find(mapping.occurred_at, one)
    at = moment(when) or (milliseconds(when) if _is_long(when) else seconds(when))
    return Delivery(one, external_id=text(find(mapping.id, one)), occurred_at=at, aside=aside)


def _is_long(value: Any) -> bool:
    return text(value).isdigit() and len(text(value)) > 11


def _is_true(value: Any) -> bool:
    return value is True or text(value).lower() in ("true", "1", "yes")
