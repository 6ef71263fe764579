"""The one exception whose text is meant for the person at the keyboard."""


class ToolError(Exception):
    """Something a person can mend; its text says what happened and how, in one sentence."""
