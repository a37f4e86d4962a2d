"""Reading what others send: a value of the wrong type is as good as none, never an error."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

# Names under which services and forms send what we know; folded to small letters without signs.
COMMON: dict[str, str] = {
    name: ours
    for ours, names in {
        "name": "fullname name yourname contactname",
        "first_name": "firstname givenname forename vorname",
        "last_name": "lastname surname familyname nachname",
        "email": "email mail emailaddress workemail businessemail useremail email1",
        "phone": "phone phonenumber mobile mobilephone workphone workphonenumber telephone tel telefon",
        "company": "company companyname organization organisation employer firma unternehmen",
        "job_title": "jobtitle title position role",
        "city": "city town ort stadt",
        "region": "region state province bundesland kanton",
        "postal_code": "postalcode postcode zip zipcode plz postleitzahl",
        "country": "country countryname countrycode land",
        "website": "website url companywebsite homepage",
        "message": "message comments comment description note nachricht question",
        "language": "language locale lang",
        "utm_source": "utmsource",
        "utm_medium": "utmmedium",
        "utm_campaign": "utmcampaign",
        "utm_term": "utmterm",
        "utm_content": "utmcontent",
    }.items()
    for name in names.split()
}


def our_name(name: str) -> str:
    """Our field for another's name of it, empty where it is none of ours."""
    return COMMON.get("".join(letter for letter in name.casefold() if letter.isalnum()), "")


def at(tree: Any, *path: str | int) -> Any:
    """What stands at the end of the path; None where it leads nowhere."""
    for step in path:
        if isinstance(step, int):
            tree = tree[step] if isinstance(tree, list) and -len(tree) <= step < len(tree) else None
        else:
            tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def text(value: Any) -> str:
    """A text, number or truth as text; a list of them joined with commas; empty for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()
    if isinstance(value, list):
        return ", ".join(filter(None, (text(one) for one in value if not isinstance(one, list))))
    return ""


def entries(tree: Any, *path: str | int) -> list[Mapping[str, Any]]:
    """The objects in the list at the end of the path."""
    found = at(tree, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def seconds(value: Any) -> datetime | None:
    """A time given in seconds since 1970, or None."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def milliseconds(value: Any) -> datetime | None:
    """A time given in milliseconds since 1970, or None."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return seconds(value / 1000)


def moment(value: Any) -> datetime | None:
    """A time as ISO 8601 says it, or None; one without a zone is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Answers:
    """Answers by another's names, sorted into our fields; what is none of ours is kept under its own name."""

    def __init__(self) -> None:
        self.ours: dict[str, Any] = {}
        self.others: dict[str, Any] = {}

    def take(self, name: Any, value: Any, *, field: str = "") -> None:
        """One answer. ``field`` says which of ours it is, where that is known; the first one said stands."""
        name = text(name)
        field = field or our_name(name)
        if field:
            if said := text(value):
                self.ours.setdefault(field, said)
        elif name and value not in (None, "", [], {}):
            self.others.setdefault(name, value if isinstance(value, list | dict) else text(value))

    def take_all(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Several of them."""
        for name, value in pairs:
            self.take(name, value)

    def payload(self, **more: Any) -> dict[str, Any]:
        """The submission in our language. ``more`` counts where no answer says it."""
        given = {name: value for name, value in more.items() if value not in (None, "", {})}
        return self.others | given | self.ours
