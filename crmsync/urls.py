"""Addresses around the deal."""

from django.urls import path

from crmsync.views import board, handoff_setup, handoffs, health, lead, setup

app_name = "crmsync"

urlpatterns = [
    path("handoffs/", handoffs.handoff_list, name="handoff_list"),
    path("handoffs/<int:handoff_id>/", handoffs.handoff_detail, name="handoff_detail"),
    path("handoffs/<int:handoff_id>/accept/", handoffs.handoff_accept, name="handoff_accept"),
    path("handoffs/<int:handoff_id>/refuse/", handoffs.handoff_refuse, name="handoff_refuse"),
    path("board/", board.board, name="board"),
    path("board/<uuid:deal_id>/", board.deal_detail, name="deal_detail"),
    path("board/<uuid:deal_id>/move/", board.deal_move, name="deal_move"),
    path("leads/<int:lead_id>/crm/", lead.lead_panel, name="lead_panel"),
    path("leads/<int:lead_id>/convert/", lead.lead_convert, name="lead_convert"),
    path("setup/handoffs/", handoff_setup.handoff_setup, name="handoff_setup"),
    path("setup/handoffs/rules/<int:pk>/", handoff_setup.handoff_rule, name="handoff_rule"),
    path("setup/crm/", health.health, name="health"),
    path("setup/crm/new/", setup.connection_new, name="connection_new"),
    path("setup/crm/signed-in/", setup.signed_in, name="signed_in"),
    path("setup/crm/connections/<int:connection_id>/pull/", health.connection_pull, name="connection_pull"),
    path("setup/crm/connections/<int:connection_id>/compare/", health.connection_compare, name="connection_compare"),
    path("setup/crm/connections/<int:connection_id>/retry/", health.class_retry, name="class_retry"),
    path("setup/crm/entries/<int:entry_id>/diff/", health.entry_diff, name="entry_diff"),
    path("setup/crm/entries/<int:entry_id>/adopt/", health.entry_adopt, name="entry_adopt"),
    path("setup/crm/conflicts/<int:conflict_id>/", health.conflict_history, name="conflict_history"),
    path("setup/crm/conflicts/<int:conflict_id>/restore/", health.conflict_restore, name="conflict_restore"),
    path("setup/crm/entries/<int:entry_id>/retry/", health.entry_retry, name="entry_retry"),
    path("setup/crm/entries/<int:entry_id>/skip/", health.entry_skip, name="entry_skip"),
    path("setup/crm/inbox/<int:event_id>/retry/", health.inbox_retry, name="inbox_retry"),
    path("setup/crm/conflicts/<int:conflict_id>/resolve/", health.conflict_resolve, name="conflict_resolve"),
    path("setup/crm/links/<int:link_id>/decide/", health.link_decide, name="link_decide"),
    path("setup/crm/<slug:slug>/", setup.connection, name="connection"),
    path("setup/crm/<slug:slug>/access/", setup.connection_access, name="connection_access"),
    path("setup/crm/<slug:slug>/sign-in/", setup.connection_sign_in, name="connection_sign_in"),
    path("setup/crm/<slug:slug>/try/", setup.connection_try, name="connection_try"),
    path("setup/crm/<slug:slug>/prepare/", setup.connection_prepare, name="connection_prepare"),
    path("setup/crm/<slug:slug>/fields/", setup.connection_fields, name="connection_fields"),
    path("setup/crm/<slug:slug>/stages/", setup.connection_stages, name="connection_stages"),
    path("setup/crm/<slug:slug>/reasons/", setup.connection_reasons, name="connection_reasons"),
    path("setup/crm/<slug:slug>/dry-run/", setup.connection_dry_run, name="connection_dry_run"),
    path("setup/crm/<slug:slug>/dry-run/<int:run_id>/", setup.dry_run_detail, name="dry_run"),
    path("setup/crm/<slug:slug>/dry-run/<int:run_id>/reviewed/", setup.dry_run_reviewed, name="dry_run_reviewed"),
    path("setup/crm/<slug:slug>/switch/", setup.connection_switch, name="connection_switch"),
    path("setup/crm/<slug:slug>/backfill/", setup.connection_backfill, name="connection_backfill"),
    path("setup/crm/<slug:slug>/filling/", setup.connection_filling, name="connection_filling"),
    path("setup/crm/<slug:slug>/hook/", setup.connection_hook, name="connection_hook"),
]
