"""A mapping for a file that came without one, from its headers in English or German and a look at its cells."""

from collections.abc import Sequence

from leads.imports.mapping import Mapper, folded_header
from leads.imports.table import Row
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.moment import InvalidMoment, read_moment

# What people write above a column, folded; the first that a file has is taken.
SYNONYMS: dict[str, str] = {
    "email": "email emailaddress mail emailadresse workemail businessemail geschaeftlicheemail kontaktemail",
    "phone": "phone telefon phonenumber telefonnummer tel mobile mobil mobilephone mobilenumber handy handynummer "
    "telephone rufnummer workphone",
    "first_name": "firstname vorname givenname forename rufname",
    "last_name": "lastname nachname familyname familienname surname",
    "name": "name fullname contactname kontaktname ansprechpartner contact kontakt person",
    "company": "company companyname firma firmenname unternehmen organisation organization account accountname kunde",
    "website": "website webseite homepage url web companywebsite",
    "domain": "domain companydomain",
    "job_title": "jobtitle position funktion job role rolle stelle berufsbezeichnung",
    "country": "country land countryname countrycode",
    "region": "region state province bundesland kanton stateprovince",
    "postal_code": "postalcode postcode zip zipcode plz postleitzahl",
    "city": "city stadt ort town wohnort",
    "language": "language sprache locale",
    "message": "message nachricht comment comments kommentar bemerkung anmerkung notes notiz notizen freitext",
    "subject": "subject betreff anliegen interest interesse thema topic",
    "source": "source leadsource quelle herkunft leadquelle origin leadorigin kanal",
    "campaign": "campaign kampagne campaignname",
    "utm_source": "utmsource",
    "utm_medium": "utmmedium",
    "utm_campaign": "utmcampaign",
    "utm_term": "utmterm",
    "utm_content": "utmcontent",
    "referrer": "referrer referer",
    "landing_page": "landingpage landingpageid landingpageurl zielseite",
    "external_id": "externalid leadid prospectid mqlid contactid recordid id kundennummer kontaktid leadnummer",
    "occurred_at": "occurredat createdat created createddate creationdate createdon timestamp zeitstempel date datum "
    "erstelltam erstellt erstelldatum eingang eingangsdatum firstcontactdate leaddate submittedat",
}
PATTERNS = (
    "",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d",
    "%Y%m%d",
)


def propose(headers: Sequence[str], sample: Sequence[Row]) -> Mapper:
    """The mapping that headers and cells suggest; a column whose cells do not fit is left as a further answer."""
    by_folded: dict[str, str] = {}
    for header in headers:
        by_folded.setdefault(folded_header(header), header)
    fields: dict[str, str] = {}
    for name, words in SYNONYMS.items():
        column = next((by_folded[word] for word in words.split() if word in by_folded), "")
        if column and column not in fields.values():
            fields[name] = column
    if "email" not in fields and (column := _column_of_addresses(headers, sample)):
        fields["email"] = column
    formats = {}
    if "occurred_at" in fields:
        pattern = _pattern([row.cells.get(fields["occurred_at"], "").strip() for row in sample])
        if pattern is None:
            del fields["occurred_at"]
        elif pattern:
            formats["occurred_at"] = [pattern]
    return Mapper(fields=fields, formats=formats)


def _column_of_addresses(headers: Sequence[str], sample: Sequence[Row]) -> str:
    """A column under another name in which nearly every cell is an address."""
    for header in headers:
        cells = [cell for row in sample if (cell := row.cells.get(header, "").strip())]
        if cells and sum(_is_address(cell) for cell in cells) >= 0.9 * len(cells):
            return header
    return ""


def _is_address(cell: str) -> bool:
    try:
        return "@" in cell and bool(read_address(cell))
    except InvalidAddress:
        return False


def _pattern(cells: Sequence[str]) -> str | None:
    """The one way in which all these times can be read; None where there is none."""
    cells = [cell for cell in cells if cell]
    return next((pattern for pattern in PATTERNS if cells and all(_fits(cell, pattern) for cell in cells)), None)


def _fits(cell: str, pattern: str) -> bool:
    try:
        read_moment(cell, pattern)
    except InvalidMoment:
        return False
    return True
