"""The leads app."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    """Configuration of the leads app."""

    name = "leads"
    verbose_name = "Leads"
