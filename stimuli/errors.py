"""The error of the planner."""

from protocols.errors import UserError


class PlanError(UserError):
    """A design that cannot be; the message gives the reason and the nearest possible numbers."""
