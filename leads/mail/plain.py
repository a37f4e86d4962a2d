"""What a person wrote: HTML as text, without what they quote and without their signature."""

import re
from html.parser import HTMLParser

LINE_ENDS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "table", "blockquote"})
SILENT = frozenset({"script", "style", "head", "title", "template"})
# How mail programs begin what is quoted, English, German, French, Spanish.
_QUOTE = re.compile(
    r"^(?:>|(?:on|am|le|el)\b.{0,200}(?:wrote|schrieb|écrit|escribió)\b.{0,80}:?\s*$|"
    r"-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|mensaje original)\s*-{2,}|"
    r"_{20,}\s*$|(?:from|von|de)\s*:\s.{0,200}@.{0,200}$)",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"^-{2,}\s*(?:forwarded message|weitergeleitete nachricht|original message|ursprüngliche nachricht).*$"
    r"|^(?:begin forwarded message|anfang der weitergeleiteten nachricht)\s*:.*$",
    re.IGNORECASE | re.MULTILINE,
)
_SENDER = re.compile(
    r"^\s*>?\s*\*?(?:from|von|de)\*?\s*:\s*\*?\s*(?P<name>[^<\n]*?)\s*<?(?:mailto:)?"
    r"(?P<email>[^\s<>@\[\]]+@[^\s<>@\[\]]+)>?",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(r"^(?:--\s?$|__\s?$)")
_GREETING = re.compile(
    r"^(?:(?:mit )?(?:freundlichen|besten|herzlichen|vielen) grüßen?|viele grüße|beste grüße|lg|mfg|"
    r"kind regards|best regards|regards|best|cheers|thanks|many thanks|sincerely|cordialement|saludos)\b[ ,.!]*$",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t\xa0]+")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        if tag in LINE_ENDS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in LINE_ENDS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def text_of(html: str) -> str:
    """The words of a piece of HTML."""
    if not html:
        return ""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(reader.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def written(text: str) -> str:
    """What is new in a mail: up to the quote, up to the signature. All of it where nothing would be left."""
    kept: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if _SIGNATURE.match(line) or _QUOTE.match(line.strip()):
            break
        kept.append(line.rstrip())
    return "\n".join(kept).strip() or text.strip()


def signature(text: str) -> str:
    """The block below the greeting or the two dashes, at most a dozen lines; where phone and company may stand."""
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines):
        if _QUOTE.match(line.strip()):
            return ""
        if _SIGNATURE.match(line) or _GREETING.match(line.strip()):
            return "\n".join(lines[number + 1 : number + 13])
    return ""


def forwarded_sender(text: str) -> tuple[str, str] | None:
    """Name and address of who wrote a mail that was passed on; None where none is told."""
    begin = _FORWARD.search(text)
    found = _SENDER.search(text, begin.end() if begin else 0)
    if found is None or begin is None:
        return None
    return found["name"].strip(" \"'*"), found["email"].strip(".,;")


def forwarded_text(text: str) -> str:
    """What the one who is passed on wrote: below the head of the original."""
    begin = _FORWARD.search(text)
    if begin is None:
        return text
    below = text[begin.end() :].lstrip("\n")
    _head, _blank, rest = below.partition("\n\n")
    return rest.strip() or below.strip()
