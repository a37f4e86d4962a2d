"""What a file is made of: text in which encoding, or no text at all."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from leads.imports.errors import UnreadableFile

SAMPLE = 256 * 1024
CHUNK = 1024 * 1024
MIXED = "leadmgmt-mixed"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What one-byte texts of Europe are likely to be, in the order in which a tie is decided.
ONE_BYTE = ("cp1252", "cp1250", "mac_roman", "cp850", "iso8859_15")
# Letters that such texts are made of; signs and box lines inside words speak against a guess.
_USUAL = frozenset("äöüÄÖÜßéèêëáàâçñóòôõíìîïúùûãåæøœÅÆØÉÈÀÇÑÓÍÚÁłŁżŻźŹśŚćĆńŃęĘąĄčČřŘšŠžŽýÝůŮěĚďťňőŐűŰîăâșțăÂÎ")


@dataclass(frozen=True)
class Encoding:
    """How to open the file: codec, what to do with bytes that do not fit it, and the name for people."""

    codec: str
    errors: str = "strict"

    @property
    def name(self) -> str:
        """What to call it in a summary."""
        return "utf-8 with other bytes" if self.errors == MIXED else self.codec.removesuffix("-sig")


def find_encoding(path: Path) -> Encoding:
    """The file's encoding. Raises UnreadableFile with a sentence for what is no table in text."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    _refuse_other_formats(sample)
    for mark, codec in BOMS:
        if sample.startswith(mark):
            return Encoding(codec)
    if wide := _wide(sample):
        return Encoding(wide)
    fitting, foreign = _count_utf8(path)
    if not foreign:
        return Encoding("utf-8")
    if fitting * 4 >= foreign:
        return Encoding("utf-8", MIXED)
    return Encoding(_one_byte(path))


def _refuse_other_formats(sample: bytes) -> None:
    head = sample.lstrip()[:512].lower()
    if not head:
        raise UnreadableFile(_("The file is empty."))
    if sample.startswith(b"PK\x03\x04"):
        raise UnreadableFile(_("This is an Excel workbook or another zip file: save it as “CSV UTF-8”."))
    if sample.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(_("This is an old Excel workbook: save it as “CSV UTF-8” and try again."))
    if sample.startswith(b"%PDF"):
        raise UnreadableFile(_("This is a PDF, not a table."))
    if head.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise UnreadableFile(_("This is a web page, not a table: the download may have failed."))


def _wide(sample: bytes) -> str:
    """UTF-16 without its mark: every other byte of Latin text is zero."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.4 and odd < half * 0.1 else ""


def _count_utf8(path: Path) -> tuple[int, int]:
    """How many letters beyond ASCII are proper UTF-8, and how many bytes are not, in the whole file."""
    foreign = 0

    def count(error: UnicodeError) -> tuple[str, int]:
        nonlocal foreign
        assert isinstance(error, UnicodeDecodeError)  # noqa: S101  # decoding raises nothing else
        foreign += error.end - error.start
        return "", error.end

    codecs.register_error("leadmgmt-count", count)
    decoder = codecs.getincrementaldecoder("utf-8")("leadmgmt-count")
    fitting = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if foreign == 0 and chunk.isascii():
                continue
            text = decoder.decode(chunk)
            fitting += sum(1 for letter in text if letter > "\x7f")
        decoder.decode(b"", final=True)
    return fitting, foreign


def _one_byte(path: Path) -> str:
    """The likeliest of the one-byte encodings, else what statistics say (Asian, Cyrillic, Greek, …)."""
    lines = []
    with path.open("rb") as file:
        for line in file:
            if not line.isascii():
                lines.append(line[:2000])
            if len(lines) >= 2000:
                break
    sample = b"".join(lines)
    scores = {codec: _likeness(sample, codec) for codec in ONE_BYTE}
    best = max(ONE_BYTE, key=lambda codec: scores[codec])
    few = sum(byte > 0x7F for byte in sample) < 8
    if scores[best] >= 0.8 or few:
        return best
    guess = from_bytes(sample).best()
    return guess.encoding if guess else best


def _likeness(sample: bytes, codec: str) -> float:
    """Which share of the letters beyond ASCII are usual ones, read this way."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return 0.0
    beyond = [letter for letter in text if letter > "\x7f"]
    return sum(letter in _USUAL for letter in beyond) / len(beyond) if beyond else 1.0


def _read_foreign(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 within a file that is: written by an older program, read as it meant them."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101  # decoding raises nothing else
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(MIXED, _read_foreign)
