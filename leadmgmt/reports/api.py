"""The reports for programs: the same tables as on the pages."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadmgmt.core.permissions import REPORT_READERS, has_role
from leadmgmt.reports.filters import read
from leadmgmt.reports.tables import TABLES
from leads.models import User


class ReadsReports(BasePermission):
    """Team leads, marketing, managers and admins."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether this person may read reports."""
        return has_role(request.user, *REPORT_READERS)


PARAMETERS = [
    OpenApiParameter("from", str, description="First day, such as 2026-07-01. Without from and to: all time."),
    OpenApiParameter("to", str, description="Last day, included."),
    OpenApiParameter("source", str, description="Short name of a source; none: no source given."),
    OpenApiParameter("campaign", str, description="Key of a campaign."),
    OpenApiParameter("team", str, description="Short name of a team."),
    OpenApiParameter("rep", int, description="Number of a person who has received the leads."),
    OpenApiParameter(
        "compare",
        str,
        enum=["previous"],
        description="Also against the period before (funnel, speed, sources, attribution, sync, team).",
    ),
    OpenApiParameter("level", str, enum=["source", "campaign"], description="What a line stands for (sources)."),
]


@extend_schema(
    operation_id="report",
    parameters=PARAMETERS,
    responses={200: dict[str, Any]},
    description="funnel, speed, sources or team: leads first seen in the period, and what became of them; "
    "attribution: deals that closed in it, and which touches earned them; "
    "leaks: leads that run out today; scoring, nurture, sync. "
    "Shares are between 0 and 1, times are in seconds, money is in the organisation's currency.",
)
@api_view(["GET"])
@permission_classes([ReadsReports])
def report(request: Request, name: str) -> Response:
    """One report as tables of rows."""
    if name not in TABLES:
        raise NotFound(f"There is no report “{name}”; there are {', '.join(TABLES)}.")
    reader = request.user if isinstance(request.user, User) else None
    filters = read(request.query_params, reader, default_days=None)
    tables = {table.name: table.rows for table in TABLES[name](filters, request.query_params)}
    return Response({"report": name, "filters": filters.words(), **tables})
