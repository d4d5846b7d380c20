"""Texts that exist in several languages."""

from typing import Self

import attrs

from customerservice.errors import InvalidValue


@attrs.frozen
class Wording:
    """One text in one or more languages, by language code (``en``, ``pt-BR``); the first is the fallback.

    >>> Wording.of(en="Open", de="Offen")["it"]
    'Open'
    """

    texts: tuple[tuple[str, str], ...]

    def __attrs_post_init__(self) -> None:
        languages = [language for language, _ in self.texts]
        if not languages or len(set(languages)) < len(languages):
            raise InvalidValue("wording", "needs at least one language, and each only once")
        for language, text in self.texts:
            if not text.strip() or "\n" in text or "\r" in text or len(text) > 255:
                raise InvalidValue("wording", f"{language}: must be one line of 1 to 255 characters")

    @classmethod
    def of(cls, **texts: str) -> Self:
        """Give a wording from language codes and texts, the fallback first."""
        return cls(tuple(texts.items()))

    def __getitem__(self, language: str | None) -> str:
        """Give the text in that language, else in its base language (``pt`` for ``pt-BR``), else the fallback."""
        found = dict(self.texts)
        if language is None:
            return self.texts[0][1]
        return found.get(language) or found.get(language.partition("-")[0]) or self.texts[0][1]
