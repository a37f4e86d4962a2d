"""Addresses of the reports."""

from django.urls import path

from leadmgmt.reports import views

app_name = "reports"
urlpatterns = [
    path("funnel/", views.funnel_page, name="funnel"),
    path("speed/", views.speed_page, name="speed"),
    path("sources/", views.sources_page, name="sources"),
    path("attribution/", views.attribution_page, name="attribution"),
    path("leaks/", views.leaks_page, name="leaks"),
    path("team/", views.team_page, name="team"),
    path("<slug:name>/export.csv", views.export, name="export"),
    path("<slug:name>/export.xlsx", views.export, {"kind": "xlsx"}, name="export_xlsx"),
]
