"""Addresses around the deal."""

from django.urls import path

from crmsync.views import board, handoffs, health, lead

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
    path("setup/crm/", health.health, name="health"),
    path("setup/crm/connections/<int:connection_id>/pull/", health.connection_pull, name="connection_pull"),
    path("setup/crm/entries/<int:entry_id>/retry/", health.entry_retry, name="entry_retry"),
    path("setup/crm/entries/<int:entry_id>/skip/", health.entry_skip, name="entry_skip"),
    path("setup/crm/inbox/<int:event_id>/retry/", health.inbox_retry, name="inbox_retry"),
    path("setup/crm/conflicts/<int:conflict_id>/resolve/", health.conflict_resolve, name="conflict_resolve"),
]
