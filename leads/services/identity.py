"""What one contact is matched by, kept true when names and numbers change outside a capture."""

from leads.models import Contact

MATCHED_BY = frozenset({"first_name", "last_name", "phone"})
KEYS = ("name_key", "person_key")


def rekey_one(contact: Contact) -> bool:
    """Work the keys out anew; a key that is another contact's stays theirs. The caller saves; returns a change."""
    before = (contact.name_key, contact.person_key)
    contact.rekey()
    if contact.person_key and contact.person_key != before[1]:
        others = Contact.objects.filter(person_key=contact.person_key).exclude(pk=contact.pk)
        if others.exists():
            contact.person_key = None
    return before != (contact.name_key, contact.person_key)
