"""Mails that come in: read, cleaned of quotes and signatures, told apart from what machines send."""

# Its channel reads with what stands here, which needs the channels' own words: they are loaded first.
import leads.channels  # noqa: F401  # for its loading alone
