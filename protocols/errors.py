"""The error that a user can mend: its message says where, what was found, what to do."""


class UserError(ValueError):
    """Base of every error whose message is meant for the user; the command prints it alone."""
