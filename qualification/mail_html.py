"""The HTML side of a mail, made from its text: paragraphs, links, and the signature in grey.

It looks like a mail that a person wrote, and says nothing that its text does not say. No pictures: nothing is fetched
when it is opened.
"""

import re
from collections.abc import Callable
from html import unescape

from django.utils.html import conditional_escape, format_html, linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe

SIGNATURE = "\n-- \n"
OUR_LINKS = re.compile(r'href="(https?://[^"]+)"')
PAGE = (
    '<!doctype html><html lang="{}"><head><meta charset="utf-8"></head>'
    '<body style="font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif;color:#1c2733;max-width:40em">'
    '{}{}<p style="font-size:12px;color:#5b6b7a">{} <a href="{}" style="color:#5b6b7a">{}</a></p></body></html>'
)
MARKED = '<div style="color:#5b6b7a">{}</div>'


def html_of(body: str, *, language: str, ending: str, stop_url: str, link_to: Callable[[str], str] = str) -> str:
    """A whole HTML page. ``link_to`` gives the address that a link in the text leads to; the link that ends our mails
    is left as it is."""
    said, _sep, signature = f"\n{body}".partition(SIGNATURE)
    under = format_html(MARKED, _block(signature, link_to)) if signature.strip() else ""
    return format_html(PAGE, language, _block(said, link_to), under, ending, stop_url, stop_url)


def _block(text: str, link_to: Callable[[str], str]) -> SafeString:
    linked = linebreaks(urlize(text.strip(), autoescape=True), autoescape=False)

    def led(found: re.Match[str]) -> str:
        return f'href="{conditional_escape(link_to(unescape(found[1])))}"'

    # All of it was escaped by urlize, and the address is again.
    return mark_safe(OUR_LINKS.sub(led, linked))  # noqa: S308  # escaped before
