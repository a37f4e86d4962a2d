"""The first page, and the guided configuration."""

from django.urls import path

from leadmgmt.changes.page import changes, changes_export, decisions
from leadmgmt.config_text.page import configuration_download, configuration_text
from leadmgmt.home import home
from leadmgmt.new_person import person_new
from leadmgmt.setup_page import setup
from leadmgmt.source_pages import (
    source_confirm,
    source_cost_delete,
    source_costs,
    source_costs_example,
    source_edit,
    source_fold,
    source_list,
    source_unfold,
)

urlpatterns = [
    path("", home, name="home"),
    path("setup/", setup, name="setup"),
    path("setup/people/new/", person_new, name="person_new"),
    path("setup/sources/", source_list, name="source_list"),
    path("setup/sources/costs/", source_costs, name="source_costs"),
    path("setup/sources/costs/example/", source_costs_example, name="source_costs_example"),
    path("setup/sources/costs/<int:pk>/delete/", source_cost_delete, name="source_cost_delete"),
    path("setup/sources/<int:pk>/confirm/", source_confirm, name="source_confirm"),
    path("setup/sources/<int:pk>/fold/", source_fold, name="source_fold"),
    path("setup/sources/folds/<int:pk>/undo/", source_unfold, name="source_unfold"),
    path("setup/sources/<slug:slug>/", source_edit, name="source_edit"),
    path("setup/text/", configuration_text, name="configuration_text"),
    path("setup/text/download/", configuration_download, name="configuration_download"),
    path("setup/changes/", changes, name="changes"),
    path("setup/changes/export/", changes_export, name="changes_export"),
    path("setup/changes/decisions/", decisions, name="decisions"),
]
