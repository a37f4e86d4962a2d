"""Names of people."""

import re
from dataclasses import dataclass

from nameparser import HumanName

LONGEST = 120
_TWO_WORDS = re.compile(r"^([^\W\d_][\w'’-]*) ([^\W\d_][\w'’-]*)$")
_TITLE = re.compile(r"^(?:(?:herr|frau|hr|fr|mr|mrs|ms|miss|mx|dr|prof|dipl|ing|mag)\b\.?[ -]*)+", re.IGNORECASE)


@dataclass(frozen=True)
class Name:
    """A name in its parts."""

    first: str = ""
    last: str = ""
    title: str = ""


def split_name(full: str) -> Name:
    """The parts of a name written in one: `Zoë Müller`, `Müller, Zoë`, `Dr. Ann van Dyk`. One word is a first name."""
    if (plain := _TWO_WORDS.match(full)) and not _TITLE.match(full):
        return Name(plain[1], plain[2])
    title = ""
    if found := _TITLE.match(full):
        title, full = found[0].strip(" -"), full[found.end() :]
        if not full:
            return Name(last=title)
    parsed = HumanName(full[: 3 * LONGEST])
    first = " ".join(word for word in (str(parsed.first), str(parsed.middle)) if word)
    last = " ".join(word for word in (str(parsed.last), str(parsed.suffix)) if word)
    title = " ".join(word for word in (title, str(parsed.title)) if word)
    if title and first and not last:
        first, last = "", first
    if not first and not last:
        return Name(full[:LONGEST], "", title[:40])
    return Name(first[:LONGEST], last[:LONGEST], title[:40])
