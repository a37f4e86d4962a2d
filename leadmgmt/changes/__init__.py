"""Who changed what: the configuration's changes with their people, and people's decisions about leads."""
