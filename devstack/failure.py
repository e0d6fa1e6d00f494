"""The one error of the stack's own that a person sees: a sentence that says what is wrong and what to do."""


class StackFailure(Exception):
    """Ends the command. The text is for a person, names the remedy, and is printed without a traceback."""
