"""Every word the site shows passes here, so that it can be shown in another language.

Pages are built once per language. English is the language of the sources, so its catalogue is
empty and gives each message back.
"""

from gettext import NullTranslations

LANGUAGE = "en"

_catalogue = NullTranslations()


def t(message: str) -> str:
    """Return ``message`` in the language that is being built."""
    return _catalogue.gettext(message)
