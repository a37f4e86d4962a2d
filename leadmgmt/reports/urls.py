"""Addresses of the reports."""

from django.urls import path

from leadmgmt.reports import subscription_views, target_views, views

app_name = "reports"
urlpatterns = [
    path("morning/", views.morning_page, name="morning"),
    path("funnel/", views.funnel_page, name="funnel"),
    path("speed/", views.speed_page, name="speed"),
    path("sources/", views.sources_page, name="sources"),
    path("attribution/", views.attribution_page, name="attribution"),
    path("leaks/", views.leaks_page, name="leaks"),
    path("scoring/", views.scoring_page, name="scoring"),
    path("nurture/", views.nurture_page, name="nurture"),
    path("sync/", views.sync_page, name="sync"),
    path("team/", views.team_page, name="team"),
    path("targets/", target_views.targets_page, name="targets"),
    path("mail/<int:pk>/stop/", subscription_views.report_unsubscribe, name="unsubscribe"),
    path("<slug:name>/mail/", subscription_views.report_subscribe, name="subscribe"),
    path("<slug:name>/export.csv", views.export, name="export"),
    path("<slug:name>/export.xlsx", views.export, {"kind": "xlsx"}, name="export_xlsx"),
]
