"""Pages around the deal: thin views, one file per page."""
