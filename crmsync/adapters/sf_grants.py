"""How Salesforce gives tokens: a signed assertion (JWT bearer), client credentials, or a refresh token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from crmsync.adapters.errors import AuthRevoked, Unsent
from crmsync.adapters.tokens import Grant
from crmsync.adapters.wire import once
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now

LOGIN = "https://login.salesforce.com"
ASSERTION_LIVES = timedelta(minutes=3)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def grant(config: Mapping[str, Any], kept: Mapping[str, str], refresh: str, deadline: datetime) -> Grant:
    """A fresh token. Raises AuthRevoked where a person has to sign in anew, Unsent where nobody answered."""
    return _ask(config, _form(config, kept, refresh or kept.get("refresh_token", "")), deadline)


def exchange(config: Mapping[str, Any], kept: Mapping[str, str], code: str, back: str, deadline: datetime) -> Grant:
    """The first token after a person has signed in. Raises AuthRevoked, Unsent."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "client_id": kept.get("client_id", ""),
        "client_secret": kept.get("client_secret", ""),
    }
    return _ask(config, form, deadline)


def _ask(config: Mapping[str, Any], form: Mapping[str, str], deadline: datetime) -> Grant:
    login = config.get("login", LOGIN) if config.get("flow") != "client_credentials" else config["address"]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    reply = once(
        "POST",
        f"{login.rstrip('/')}/services/oauth2/token",
        deadline,
        is_write=False,
        headers=headers,
        data=form,
    )
    try:
        told = reply.json()
    except ValueError:
        told = {}
    if reply.status == 200 and told.get("access_token"):
        return Grant(told["access_token"], told.get("expires_in"), told.get("refresh_token", ""))
    if 400 <= reply.status < 500 and reply.status != 429:
        raise AuthRevoked(worded("Salesforce gives no token: %(why)s.", why=told.get("error", reply.status)))
    raise Unsent(worded("Salesforce gave no token: %(status)s.", status=reply.status))


def _form(config: Mapping[str, Any], kept: Mapping[str, str], refresh: str) -> dict[str, str]:
    client = {"client_id": kept.get("client_id", "")}
    flow = config.get("flow", "jwt")
    if flow == "client_credentials":
        return {**client, "grant_type": flow, "client_secret": kept.get("client_secret", "")}
    if flow == "refresh_token":
        return {
            **client,
            "grant_type": flow,
            "client_secret": kept.get("client_secret", ""),
            "refresh_token": refresh,
        }
    claims = {
        "iss": kept.get("client_id", ""),
        "sub": kept.get("username", ""),
        "aud": config.get("login", LOGIN),
        "exp": int((now() + ASSERTION_LIVES).timestamp()),
    }
    try:
        assertion = jwt.encode(claims, kept.get("private_key", ""), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise AuthRevoked(worded("The private key of this connection cannot be read.")) from error
    return {"grant_type": JWT_BEARER, "assertion": assertion}
