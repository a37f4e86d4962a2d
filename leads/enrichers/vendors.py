"""Ready-made configurations for services that many have a key for. An admin picks one and pastes the key.

Addresses and names of fields follow the vendors' public documentation as far as it was known in November 2026; the
test button shows at once whether one still holds.
"""

from typing import Any

from django.utils.translation import gettext_lazy

VENDORS: dict[str, dict[str, Any]] = {
    "apollo": {
        "name": "Apollo",
        "price": "0.10",
        "config": {
            "url": "https://api.apollo.io/api/v1/people/match",
            "method": "POST",
            "headers": {"X-Api-Key": "{secret}"},
            "body": {"email": "{email}"},
            "needs": "business",
            "mapping": {
                "contact.job_title": "person.title",
                "contact.first_name": "person.first_name",
                "contact.last_name": "person.last_name",
                "contact.city": "person.city",
                "company.name": "person.organization.name",
                "company.staff": "person.organization.estimated_num_employees",
                "company.industry": "person.organization.industry",
                "company.revenue": "person.organization.annual_revenue",
            },
            "confidence": 0.85,
        },
    },
    "people-data-labs": {
        "name": "People Data Labs",
        "price": "0.20",
        "config": {
            "url": "https://api.peopledatalabs.com/v5/person/enrich?email={email}&min_likelihood=6",
            "headers": {"X-Api-Key": "{secret}"},
            "mapping": {
                "contact.job_title": "data.job_title",
                "contact.first_name": "data.first_name",
                "contact.last_name": "data.last_name",
                "company.name": "data.job_company_name",
                "company.industry": "data.job_company_industry",
                "company.city": "data.job_company_location_locality",
            },
            "confidence": 0.8,
        },
    },
    "hunter": {
        "name": "Hunter",
        "price": "0.02",
        "config": {
            "url": "https://api.hunter.io/v2/combined/find?email={email}",
            "headers": {"Authorization": "Bearer {secret}"},
            "needs": "business",
            "mapping": {
                "contact.first_name": "data.person.name.givenName",
                "contact.last_name": "data.person.name.familyName",
                "contact.job_title": "data.person.employment.title",
                "company.name": "data.company.name",
                "company.staff": "data.company.metrics.employeesCount",
                "company.industry": "data.company.category.industry",
                "company.city": "data.company.geo.city",
            },
            "confidence": 0.75,
        },
    },
    "dropcontact": {
        "name": "Dropcontact",
        "price": "0.08",
        "config": {
            "url": "https://api.dropcontact.io/v1/enrich/all",
            "method": "POST",
            "headers": {"X-Access-Token": "{secret}"},
            "body": {"data": [{"email": "{email}"}], "siren": True},
            "mapping": {
                "contact.first_name": "data.0.first_name",
                "contact.last_name": "data.0.last_name",
                "contact.job_title": "data.0.job",
                "company.name": "data.0.company",
                "company.industry": "data.0.naf5_des",
            },
            "confidence": 0.8,
        },
    },
    "the-companies-api": {
        "name": "The Companies API",
        "price": "0.05",
        "config": {
            "url": "https://api.thecompaniesapi.com/v2/companies/{domain}",
            "headers": {"Authorization": "Basic {secret}"},
            "needs": "business",
            "mapping": {
                "company.name": "about.name",
                "company.staff": "about.totalEmployeesExact",
                "company.industry": "about.industry",
                "company.city": "locations.headquarters.city.name",
            },
            "confidence": 0.8,
        },
    },
    "homepage": {
        "name": gettext_lazy("The company's homepage"),
        "kind": "homepage",
        "price": "0",
        "config": {"confidence": 0.6},
    },
    "mail-exchange": {
        "name": gettext_lazy("Mail exchanger of the address"),
        "kind": "mail_exchange",
        "price": "0",
        "config": {},
    },
    "ip_place": {
        "name": gettext_lazy("Place of the IP address (MaxMind file)"),
        "kind": "ip_place",
        # Behind what a person's number and address say.
        "position": 1100,
        "config": {"file": ""},
    },
}
