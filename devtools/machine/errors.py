"""The one exception whose text is meant for the person at the keyboard."""


class ToolError(Exception):
    """An error that a person can correct; its text says in one sentence what happened and how."""
