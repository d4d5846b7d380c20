"""In which language somebody wrote (R42): by the script, and within a script by the most frequent words and letters."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

#: The languages that are told apart (ISO 639-1).
LANGUAGES: Final = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "ru", "uk", "tr", "el", "he", "ar",
    "fa", "ja", "zh", "ko",
)  # fmt: skip

# What any list of word frequencies has on top, and the words of letters: greetings, thanks, asking.
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "the be to of and a in that have it for not on with he as you do at this but his by from they we say "
        "her she or an will my one all would there their what so up out if about who get which go me when "
        "make can like time no just him know take your some could them see other than then now only its our "
        "been has had was were is are am did does please thank thanks hello dear regards still received order "
        "i",
        "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden "
        "aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur "
        "oder aber vor zur bis mehr durch man sein wurde sei ich mir mich wir uns ihnen ihr ihre ihren ihrer "
        "bitte danke vielen dank hallo grüße grüßen freundlichen mein meine meinen meiner habe kann können "
        "möchte wann leider bestellung kein keine schon jetzt sehr guten tag was wenn weil gibt",
        "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec "
        "ou son lui nous comme mais pouvez tout aux elle était cette ont être été avait sa leur y ses je vous "
        "votre vos mon ma mes j ai c d l qu n s m t bonjour merci cordialement très bien encore toujours "
        "quand sans reçu commande livraison depuis cela faire peut suis avez serait voulu aussi car même fait "
        "où si",
        "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me "
        "si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde "
        "está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien mismo "
        "ese ahora usted ustedes gracias hola buenos buenas días saludos pedido estoy quiero quisiera favor "
        "he mis pueden tengo aún todavía saber",
        "it": "di e il la che in a per un del non è una le si da con i della dei al come nel sono più alla ha lo "
        "gli ma dal anche delle nella o ho mi ci se questo questa suo sua loro essere stato stata fatto due "
        "dopo prima ancora molto quando cosa perché vostro vostra vi ne io lei noi voi sto vorrei grazie "
        "buongiorno buonasera salve saluti cordiali ordine mio mia miei già fare può potete avete sarà senza "
        "tutto tutti degli dalla dell dove però quindi pacco sia solo",
        "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem "
        "à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois "
        "sem mesmo aos ter seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha "
        "têm numa pelos qual será nós lhe obrigado obrigada olá bom boa dia tarde cumprimentos encomenda "
        "pedido gostaria ainda vocês posso fazer estou fiz gostava porque agora recebi",
        "nl": "de en van het een in is dat op te zijn met die voor niet aan er om ook als bij dan of door maar "
        "wordt naar heeft hij deze uit dit hebben worden nog kan meer wel al was zo over ik je jullie u uw "
        "mijn me we wij ze zij geen wat wie hoe waar wanneer heb hebt had zou graag alvast bedankt groet "
        "groeten vriendelijke beste hallo goedemorgen geachte bestelling bestelde ontvangen sinds want omdat "
        "kunt kunnen moet weet nu iets onze ons tot toch zal ben gisteren",
        "pl": "i w na z do nie się że to jest o jak za od po ale przez dla co czy tym są już jego tylko lub może "
        "być tak ich był jej która które który ma oraz by było jeszcze przy mnie mam mi moje mój moja pan "
        "pani państwo państwa proszę dziękuję pozdrawiam dzień dobry witam zamówienie zamówienia bardzo kiedy "
        "gdzie bo jednak więc mogę został została ten ta te tej tego ani też ze we u tydzień dni paczka "
        "paczki otrzymałam otrzymałem chciałbym chciałabym",
        "sv": "och att i en som det är av för den med till inte på har de ett om var från men så kan jag vi du ni "
        "han hon mig dig er oss min mitt mina din ert era när eller efter skulle vad mycket nu bara också ut "
        "upp över då än hade blir blev vara där här alla sig får fick tack hej hälsningar vänliga beställning "
        "beställde något någon inga ingen kommer sedan eftersom skicka själv vänligen redan dag dagar ännu "
        "gärna",
        "da": "og i at det er en til af på som med for den de ikke der var et har han jeg men om vi min havde ham "
        "hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne "
        "ind når være dog noget ville jo deres efter ned skulle denne end dette mit også under have dig anden "
        "hende mine alt meget sit sine vor mod disse hvis din nogle hos blive mange ad bliver hendes været "
        "jer jeres mig tak hej venlig hilsen bestilling bestilte endnu kun nogen siden fordi modtaget kan uge",
        "nb": "og i det er på en som til av for at med den de ikke har jeg et var om så men han vi min meg du fra "
        "seg hun nå over da ut dem oss opp man hvor eller hva skal selv her alle vil ble kunne inn når være "
        "noe ville jo deres etter ned skulle denne enn dette mitt også under ha deg annen henne mine alt mye "
        "sitt mot disse hvis din noen hos bli mange blir vært dere takk hei vennlig hilsen bestilling "
        "bestilte ennå bare siden fordi mottatt kan fått uken dager gjerne veldig hadde fikk",
        "fi": "ja on ei että se oli hän en joka ovat mutta kun niin tai myös kuin jos mitä sen nyt vain jo sitä "
        "olen minun mulla minulle minä te teidän teille ole olisi voi voitte vielä hei kiitos terveisin "
        "ystävällisin tilaus tilauksen tilaukseni tilasin paketti saanut kanssa sekä mukaan jälkeen ennen "
        "mikä missä milloin miksi tämä tämän ne me meille hyvää päivää haluaisin pitäisi tulla tullut "
        "kuitenkin koska siitä asti hyvin paljon kaikki toinen ollut oikein vai eli siis",
        "cs": "a se v na je že o s z do i to za by ale si ve jsem jako po jak tak k pro když ze už od jen co která "
        "který které není nebo byl byla bylo být mi mě můj moje mám máte vás vám váš vaše jsme jste až ještě "
        "také tento tato toto prosím děkuji děkuju dobrý den zdravím pozdravem objednávka objednávku "
        "objednávky zásilka zásilku balík kdy kde proč jestli abych aby mohu můžete protože však jeho bych u "
        "před při dnes stále tím byly chtěl chtěla",
        "tr": "bir ve bu da de için ile çok daha ne gibi ben o kadar var ama en sonra mi mı olarak değil her ya "
        "diye olan ki ancak sadece şey hiç yok benim bana beni siz size sizin biz bize sizden lütfen teşekkür "
        "teşekkürler ederim merhaba saygılarımla iyi günler sipariş siparişim siparişimi ürün kargo nasıl "
        "neden zaman önce henüz hala hâlâ bile göre kendi aynı hem veya eğer şimdi şu istiyorum aldım verdim "
        "geldi gelmedi misiniz oldu olur değildi numaralı",
        "ru": "и в не на я быть он с что а по это она этот к но они мы весь который из у то за свой от со для о же "
        "ты все так его вы ее мне уже как был была было были меня мой моя нет или если когда только еще ещё "
        "очень здравствуйте добрый день спасибо пожалуйста заказ заказа уважением можно могу нужно до бы где "
        "почему вас вам ваш ваша есть чтобы при чем под",
        "uk": "і в не на я з що а до та це він у як за від по але про для його вона ми ви вже мені мене мій моя моє "
        "був була було були немає або якщо коли тільки ще дуже добрий день доброго дня дякую будь ласка "
        "замовлення повагою можна можу треба де чому вас вам ваш ваша є щоб при чи які який яка яке так після "
        "цього цей ця вітаю",
        "ar": "في من على إلى أن هذا هذه التي الذي ما لا لم لن قد كان كانت مع عن هل كل بعد قبل حتى أو ثم إذا لقد أنا "
        "نحن هو هي هم لكم لي لك بكم ولكن ولم وقد منذ عند الطلب طلبي طلب شكرا شكراً مرحبا مرحباً السلام عليكم "
        "تحية تحياتي الرجاء أرجو أريد يرجى متى أين كيف لماذا غير أي بين ليس يوم أيام وصل وصلت لأن",
        "fa": "و در به از که این را با است برای آن یک تا هم یا اما من ما شما او آنها خود هر چه شد شده می نمی بود "
        "های ها هنوز لطفا لطفاً سلام ممنون متشکرم سپاس تشکر سفارش سفارشم بسته هستم باشد کنید کنم کرده کردم "
        "دارم دارد چرا کجا کی چند روز پیش نیست بر اگر ولی بعد همین نشده دریافت بدهید خواهش بوده",
        # Neighbours that would be taken for one of ours; for them the answer is None.
        "-bg": "и да се на за не от в с е са си че като по но или до му те ми ме ви вас поръчката поръчка моля "
        "благодаря здравейте това тази който която още вече при какво може бъде беше съм няма ли поздрави все",
        "-ur": "اور کے کی کا میں سے ہے ہیں کو نہیں پر یہ وہ نے تھا تھی آپ ہم مجھے میرا میری میرے بھی تو کر رہا رہی "
        "کیا جو ایک",
        "-sk": "a sa v na je že som si do to aj ale ako by ste bol bola bolo ktorý ktorá ktoré nie pre od už len mi "
        "môj moja mám máte vás vám prosím ďakujem dobrý deň objednávka objednávku zásielka zásielku kedy kde "
        "prečo ešte pozdravom alebo keď čo tak veľmi pred pri chcel chcela",
        "-hu": "a az és hogy nem is egy van de meg ez csak már még ha mint volt én mi nekem kérem köszönöm "
        "üdvözlettel tisztelt rendelés rendelést csomag mikor hol miért vagy el be ki le fel lehet kell azt "
        "ezt napja",
        "-ro": "de și în a la cu nu este pe care să un o că din pentru am mai sunt dar ce au fost vă rog mulțumesc "
        "bună ziua comanda comandă coletul încă când unde dacă sau mea meu nici după fi aș dumneavoastră "
        "săptămână",
        "-ca": "de la que el i en a els les un per amb no una es del al com més però va ha meu meva si seva gràcies "
        "bon dia salutacions comanda encara quan sense això aquest aquesta he vaig rebut fa dies vull on",
        "-id": "yang dan di dengan untuk saya tidak ini itu dari ke pada ada akan sudah belum bisa kami anda apa "
        "kapan terima kasih pesanan mohon tolong atau juga karena sampai selamat",
    }
)

# Letters that only these languages have, among those of the table.
_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ß": "de", "ñ": "es", "¿": "es", "ã": "pt", "õ": "pt", "œ": "fr", "ł": "pl", "ż": "pl", "ę": "pl", "ą": "pl",
        "ś": "pl", "ř": "cs", "ů": "cs", "ě": "cs", "ğ": "tr", "ı": "tr", "ş": "tr", "ы": "ru", "э": "ru", "ё": "ru",
        "і": "uk", "ї": "uk", "є": "uk", "ґ": "uk", "ة": "ar", "ى": "ar", "أ": "ar", "إ": "ar", "ي": "ar", "ك": "ar",
        "پ": "fa", "چ": "fa", "ژ": "fa", "گ": "fa", "ک": "fa", "ی": "fa", "ہ": "-ur", "ے": "-ur", "ں": "-ur",
        "ٹ": "-ur", "ő": "-hu", "ű": "-hu", "ț": "-ro", "ș": "-ro", "ă": "-ro", "ľ": "-sk", "ĺ": "-sk", "ŕ": "-sk",
    }
)  # fmt: skip
_LETTER_WEIGHT: Final = 0.5

# A script, how many of its letters make a word where no blanks do, and the languages that are written in it.
_SCRIPTS: Final[Sequence[tuple[str, re.Pattern[str], int]]] = (
    ("latin", re.compile(r"[a-z\u00c0-\u024f\u1e00-\u1eff]"), 0),
    ("cyrillic", re.compile(r"[\u0400-\u052f]"), 0),
    ("arabic", re.compile(r"[\u0620-\u06ff\u0750-\u077f]"), 0),
    ("kana", re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]"), 3),
    ("han", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"), 2),
    ("hangul", re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]"), 0),
    ("greek", re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"), 0),
    ("hebrew", re.compile(r"[\u05d0-\u05ea]"), 0),
)
_ONLY: Final = {"kana": "ja", "han": "zh", "hangul": "ko", "greek": "el", "hebrew": "he"}

# Addresses of pages and people, names of files and order numbers are in no language.
_NO_WORDS: Final = re.compile(r"://|www\.|[@_\d]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LONGEST: Final = 2_000
_FEWEST_WORDS: Final = 4
_LEAST_SHARE: Final = 0.6  # of the script
_LEAST_SCORE: Final = 2.0
_LEAST_DENSITY: Final = 0.18
_LEAST_LEAD: Final = 0.5
_MOST_FOREIGN: Final = 0.35


@cache
def _languages_of() -> Mapping[str, Collection[str]]:
    """Give the languages of each word; what it says for one is the less the more have it."""
    found: dict[str, set[str]] = {}
    for language, words in _WORDS.items():
        for word in words.split():
            found.setdefault(word, set()).add(language)
    return found


def detect_language(text: str) -> str | None:
    """Give the language of what somebody wrote, one of `LANGUAGES`; None when in doubt.

    Only the first 2,000 characters count, without addresses, links and numbers. The time is linear.

    >>> detect_language("Guten Tag, ich habe meine Bestellung noch nicht bekommen. Vielen Dank!")
    'de'
    >>> detect_language("OK") is None
    True
    """
    plain = unicodedata.normalize("NFC", text[:_LONGEST]).lower().replace("i\u0307", "i")  # a Turkish capital I
    words = [word for part in plain.split() if not _NO_WORDS.search(part) for word in _WORD.findall(part)]
    scripts = _scripts(words)
    total = sum(scripts.values())
    if total < _FEWEST_WORDS:
        return None
    if scripts["kana"] and scripts["kana"] + scripts["han"] >= _LEAST_SHARE * total:
        # Chinese does without kana; a Japanese sentence never does.
        return "ja" if scripts["kana"] * 5 > scripts["han"] else "zh"
    script, weight = scripts.most_common(1)[0]
    if weight < _LEAST_SHARE * total:
        return None
    return _ONLY.get(script) or _by_words(words)


def _scripts(words: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in words:
        for name, letters, to_a_word in _SCRIPTS:
            if to_a_word:
                found[name] += -(-len(letters.findall(word)) // to_a_word)
            elif letters.match(word):
                found[name] += 1
                break
    return found


def _by_words(words: Sequence[str]) -> str | None:
    scores: dict[str, float] = defaultdict(float, {"": 0.0})
    languages_of = _languages_of()
    known = [languages_of[word] for word in words if word in languages_of]
    for languages in known:
        for language in languages:
            scores[language] += 1 / len(languages)
    for word in words:
        for letter in _LETTERS.keys() & set(word):
            scores[_LETTERS[letter]] += _LETTER_WEIGHT
    best, *others = sorted(scores, key=lambda language: scores[language], reverse=True)
    lead = scores[best] - max((scores[other] for other in others), default=0.0)
    is_clear = scores[best] >= max(_LEAST_SCORE, _LEAST_DENSITY * len(words)) and lead >= _LEAST_LEAD
    # Of two languages in one text each has words that the other does not know.
    foreign = sum(best not in languages for languages in known)
    return best if is_clear and foreign <= _MOST_FOREIGN * len(known) and best in LANGUAGES else None
