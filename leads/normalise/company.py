"""Companies: the domain they are known by, and what two spellings of a name have in common."""

import re
from functools import lru_cache

import tldextract

from leads.normalise.text import fold

LONGEST = 255
# Offline: the list that came with the package, no download, no cache on disk.
_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
_HOST = re.compile(r"^[\w-]+(\.[\w-]+)+$")

# What the law adds to a name, folded; longest first so that "gmbh co kg" goes in one.
_LEGAL = sorted(
    (
        "gmbh co kg|gmbh co kgaa|ag co kg|gmbh|ggmbh|mbh|ug haftungsbeschrankt|ug|ag|se|kg|kgaa|ohg|gbr|"
        "e k|ek|e v|ev|eg|"
        "ltd|limited|llc|l l c|llp|lp|plc|inc|incorporated|corp|corporation|co|company|pty ltd|pte ltd|pvt ltd|"
        "private limited|sa|s a|sas|s a s|sarl|s a r l|sasu|eurl|spa|s p a|srl|s r l|sl|s l|slu|s l u|lda|ltda|"
        "bv|b v|nv|n v|vof|bvba|ab|as|a s|asa|aps|oy|oyj|sp z o o|spolka z o o|s r o|sro|d o o|doo|kft|zrt|"
        "sa de cv|s a de c v|holding|gruppe|group"
    ).split("|"),
    key=len,
    reverse=True,
)
_ENDING = re.compile(r"(?: (?:" + "|".join(re.escape(form) for form in _LEGAL) + r"))+$")


@lru_cache(maxsize=20_000)
def name_key(name: str) -> str:
    """What a company's name is matched by: folded, `&` read as a blank, legal form gone. Empty for a name of signs."""
    folded = fold(name)
    return (_ENDING.sub("", folded) or folded)[:LONGEST]


@lru_cache(maxsize=20_000)
def registered_domain(text: str) -> str:
    """The registered domain of an address or host name (`firm.co.uk` of `https://www.firm.co.uk/x`), or nothing."""
    host = text.strip().casefold()
    host = re.sub(r"^[a-z][a-z0-9+.-]*:/+", "", host).split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1]
    host = host.split(":", 1)[0].strip(".")
    if not _HOST.match(host) or len(host) > LONGEST:
        return ""
    found = _extract(host)
    if found.suffix and found.domain:
        return f"{found.domain}.{found.suffix}"
    # Endings that no list knows (.example, an intranet's): the last two labels.
    labels = host.split(".")
    return "" if labels[-1].isdigit() else ".".join(labels[-2:])
