"""Knowledge that needs no question to anybody: each file reads one thing that is known and says what follows."""

from leads.enrichers import company_domain, email_class, ip_place, job_title, person_name, phone, place
from leads.enrichers.base import Enricher, Known, Offered

# Kind → what it does, in the order they run; a Provider row of the same kind switches it off or configures it.
LOCAL: dict[str, Enricher] = {
    "email_class": email_class.enrich,
    "phone": phone.enrich,
    "place": place.enrich,
    "ip_place": ip_place.enrich,
    "job_title": job_title.enrich,
    "person_name": person_name.enrich,
    "company_domain": company_domain.enrich,
}

__all__ = ["LOCAL", "Enricher", "Known", "Offered"]
