"""Words for codes that pages of several apps show."""

from django.utils.translation import gettext as _


def match_reason(code: str) -> str:
    """Why a submission joined a contact, or why two may be one."""
    words = {
        "new": _("nobody we knew"),
        "email": _("same address"),
        "external_id": _("same id at the source"),
        "phone_name": _("same number and name"),
        "phone": _("same number, nothing else known"),
        "phone_like_name": _("same number, name alike"),
        "same_phone": _("same number, one without a name"),
        "name_company": _("same name and company"),
        "like_name_company": _("name alike, same company"),
        "like_address": _("address alike, same name or company"),
        "rare_name": _("same rare name, same place"),
    }
    return words.get(code, code)


def field_name(name: str) -> str:
    """One of a contact's fields."""
    words = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "name_title": _("Form of address"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "job_title": _("Job title"),
        "company": _("Company"),
        "country": _("Country"),
        "region": _("Region"),
        "postal_code": _("Postal code"),
        "city": _("City"),
        "language": _("Language"),
    }
    return words.get(name, name)
