"""Pages of the desk: thin views, one file per page."""
