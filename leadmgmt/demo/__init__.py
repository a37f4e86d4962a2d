"""The demo organisation: a company that sells planning software for field service, and its last months."""
