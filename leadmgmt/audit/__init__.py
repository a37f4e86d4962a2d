"""The audit: every invariant of the database as a named check, run by ``manage.py audit``."""

from leadmgmt.audit.check import Breach, Check, run
from leadmgmt.audit.of_crm import CHECKS as CRM
from leadmgmt.audit.of_leads import CHECKS as LEADS
from leadmgmt.audit.of_qualification import CHECKS as QUALIFICATION
from leadmgmt.audit.of_routing import CHECKS as ROUTING

CHECKS: tuple[Check, ...] = (*LEADS, *ROUTING, *QUALIFICATION, *CRM)

__all__ = ["CHECKS", "Breach", "Check", "run"]
