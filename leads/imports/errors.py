"""Why a whole file is not taken."""

from leadmgmt.core.errors import InvalidInput


class UnreadableFile(InvalidInput):
    """The file, or the mapping for it, cannot be read; the message is one sentence that says what to mend."""

    code = "unreadable_file"
