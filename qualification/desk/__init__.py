"""The rep's desk: the queue, the lead's page, the list of leads. Reads only; what is done there is in services."""
