"""The first page, and the guided configuration."""

from django.urls import path

from leadmgmt.changes.page import changes, changes_export, decisions
from leadmgmt.home import home
from leadmgmt.setup_page import setup

urlpatterns = [
    path("", home, name="home"),
    path("setup/", setup, name="setup"),
    path("setup/changes/", changes, name="changes"),
    path("setup/changes/export/", changes_export, name="changes_export"),
    path("setup/changes/decisions/", decisions, name="decisions"),
]
