"""The routing app."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Configuration of the routing app."""

    name = "routing"
    verbose_name = "Routing"
