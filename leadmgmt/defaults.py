"""What a fresh installation begins with, app by app, in the order in which they build on each other."""

from crmsync.services.defaults import install_defaults as install_crm
from qualification.services.defaults import install_defaults as install_qualification
from routing.services.defaults import install_defaults as install_routing


def install_defaults() -> None:
    """Add what is missing; safe to run any number of times, and never changes what somebody has set up."""
    install_routing()
    install_qualification()
    install_crm()
