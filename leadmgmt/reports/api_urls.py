"""The reports' addresses under /api/v1/."""

from django.urls import path

from leadmgmt.reports.api import report

urlpatterns = [path("reports/<slug:name>/", report, name="report")]
