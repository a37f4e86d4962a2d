"""The first page, and the guided configuration."""

from django.urls import path

from leadmgmt.changes.page import changes, changes_export, decisions
from leadmgmt.config_text.page import configuration_download, configuration_text
from leadmgmt.home import home
from leadmgmt.setup_page import setup

urlpatterns = [
    path("", home, name="home"),
    path("setup/", setup, name="setup"),
    path("setup/text/", configuration_text, name="configuration_text"),
    path("setup/text/download/", configuration_download, name="configuration_download"),
    path("setup/changes/", changes, name="changes"),
    path("setup/changes/export/", changes_export, name="changes_export"),
    path("setup/changes/decisions/", decisions, name="decisions"),
]
