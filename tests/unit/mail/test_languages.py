"""In which language somebody wrote (R42)."""

from collections import Counter
from pathlib import Path

import pytest

from customerservice.mail.languages import LANGUAGES, detect_language

#: What customers write, at least twenty words each: ``en: ...``; ``-hu: ...`` in a language that is not told apart.
SAMPLES = [
    tuple(line.split(": ", 1))
    for line in Path(__file__).with_name("language_samples.txt").read_text(encoding="utf-8").splitlines()
]
KNOWN = [(language, text) for language, text in SAMPLES if not language.startswith("-")]


def test_there_are_samples_of_every_language() -> None:
    """Four of each, of twenty words and more where blanks divide words."""
    assert Counter(language for language, _ in KNOWN) == dict.fromkeys(LANGUAGES, 4)
    assert all(len(text.split()) >= 20 for language, text in KNOWN if language not in ("ja", "zh"))


def test_of_a_hundred_texts_ninety_five_are_told() -> None:
    """The language of almost every text is found, and none is taken for another one."""
    told = [(language, detect_language(text)) for language, text in KNOWN]

    assert sum(language == found for language, found in told) >= 0.95 * len(told)
    assert [(language, found) for language, found in told if found not in (language, None)] == []


@pytest.mark.parametrize(("language", "text"), [sample for sample in SAMPLES if sample not in KNOWN])
def test_nothing_is_said_of_other_languages(language: str, text: str) -> None:
    """A neighbour is not taken for one that is told apart."""
    assert detect_language(text) is None, language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "Danke!",
        "12345 67890 4711",
        "https://shop.example/der-die-das/und/ist/nicht anna@mail.example IMG_2041.jpg",
        "Lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor",
        "Anna Berger Lindenweg Graz Austria Telefon Fax Mobil",
        "Where is my parcel please? Γεια σας, πού είναι το δέμα μου;",
        "Where is my parcel, please tell me. Wo ist mein Paket, bitte sagen Sie es mir.",
    ],
)
def test_nothing_is_said_in_doubt(text: str) -> None:
    """Too short, no words of a language, or two languages at once."""
    assert detect_language(text) is None


def test_a_name_in_another_script_changes_nothing() -> None:
    """Products and people keep their names."""
    assert detect_language("靴 Nordlicht Runner を買いましたが、まだ届いていません。") == "ja"
    assert detect_language("我在你们店里买了一双のNordlicht,到现在什么都没有收到,请问包裹现在在哪里") == "zh"
    assert detect_language("Я купила у вас куртку Nordlicht Runner, но она мне мала, как её обменять?") == "ru"


def test_letters_count_however_they_are_composed() -> None:
    """Some programs write a letter and its accent apart, and a Turkish capital I keeps its dot."""
    text = "Där kom ingenting än, och jag vill gärna veta när paketet är på väg till mig."
    decomposed = text.replace("ä", "a\u0308").replace("å", "a\u030a")

    assert detect_language(decomposed) == detect_language(text) == "sv"
    assert detect_language("İYİ GÜNLER, SİPARİŞİM HENÜZ GELMEDİ, NE ZAMAN GELİR?") == "tr"
