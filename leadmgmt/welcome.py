"""What the start says when all is up: the address, a sign-in per role, and the demo key with a line to try."""

import json
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model

TRY = """curl -X POST '{url}/api/v1/capture/?wait=10' -H 'Authorization: Bearer {key}' \\
       -H 'Content-Type: application/json' -d '{{"email": "ada@example.com", "name": "Ada Lovelace"}}'"""


def demo_note(file: Path, url: str, *, keep: bool = True) -> dict[str, Any]:
    """What the demo left in ``file``, with the address as it is now; nothing if that was for another database.

    ``keep``: programs read the address from the file, so that it is noted there too.
    """
    try:
        note: dict[str, Any] = json.loads(file.read_text())
        accounts = [account["email"] for account in note["accounts"].values()]
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    if not accounts or not get_user_model().objects.filter(email__in=accounts).exists():
        return {}
    if keep and note.get("url") != url:
        note["url"] = url
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(note, indent=2))
        draft.chmod(0o600)
        draft.replace(file)
    return note


def lines(note: dict[str, Any], url: str) -> list[str]:
    """The lines to print."""
    said = ["", f"  Leadmgmt is ready: {url}/", ""]
    for role, account in note.get("accounts", {}).items():
        said.append(f"  {role:<10} {account['email']:<32} {account['password']}")
    if note.get("api_key"):
        said += ["", f"  demo API key: {note['api_key']}", f"  {TRY.format(url=url, key=note['api_key'])}"]
    return [*said, "", "  Ctrl-C stops everything.", ""]
