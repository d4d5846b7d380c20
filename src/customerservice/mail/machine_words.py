"""What programs write in automatic answers and delivery reports, and what customers of a shop write, by language.

Each text is an alternation of regular expressions, matched without regard to case. The subjects are those of Outlook
and Exchange in that language, of the large mailbox providers there, and of Lotus Domino and Novell GroupWise; the
sentences are those that people and these programs put into absence notes and reports. A language is added by adding a
value.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen(kw_only=True)
class MachineWords:
    """The words of one language.

    Attributes:
        language: its code (BCP 47).
        automatic: a subject that calls itself an automatic answer.
        notice: a subject that calls itself a notice of absence.
        away: a subject that tells of absence as a person might, too.
        absent: sentences of somebody absent.
        itself: sentences by which a text calls itself an automatic answer.
        mail: what a message is called.
        undelivered: what is said of a message that did not arrive.
        full: reasons of a server: the mailbox has no room.
        unknown: there is no such mailbox.
        shop: what a shop's customer writes about; no mail server does.
    """

    language: str
    automatic: str
    notice: str
    away: str
    absent: str
    itself: str
    mail: str
    undelivered: str
    full: str
    unknown: str
    shop: str


WORDS: Sequence[MachineWords] = (
    MachineWords(
        language="en",
        automatic=r"auto(?:matic|mated)?[- ]?(?:reply|response|responder|answer)|automatically generated reply|"
        r"yahoo! auto response",
        notice=r"out of (?:the )?office (?:auto[- ]?reply|reply|notification|notice|message)|vacation (?:reply|"
        r"message|notice|response)|absence (?:notice|notification)|away (?:message|notice)",
        away=r"out of (?:the )?office|away from (?:my|the) (?:office|mail|desk)|on (?:vacation|holiday|annual leave|"
        r"leave)|\bo\.?o\.?o\b|vacation",
        absent=r"out of (?:the |my )?office|(?:away from|not in) (?:my |the )?(?:office|desk|e-?mail)|on (?:vacation|"
        r"holidays?|annual leave|leave|(?:parental|maternity|paternity|sick) leave)|(?:am|will be|i'm) (?:currently "
        r")?away|unable to read your|(?:limited|no) access to (?:my )?e?-?mails?|return(?:ing)? to (?:the )?office|"
        r"limited (?:e-?mail )?access|travell?ing|no longer (?:work|with|employed)|(?:office|we) (?:is|are|will be) "
        r"closed|closed (?:until|from|for)|(?:back|return(?:ing)?) (?:on|in|at) (?:the )?(?:office|\d|mon|tues|"
        r"wednes|thurs|fri|jan|feb|mar|apr|may|june|july|aug|sept|oct|nov|dec)|\bpto\b|on (?:a )?(?:business "
        r")?(?:trip|sabbatical)|until i return|when i return",
        itself=r"this is an? (?:auto[- ]?|automatic |automated |automatically generated )(?:e-?mail )?(?:reply|"
        r"response|answer)|this (?:reply|response|message|e-?mail) (?:was|is|has been) (?:automatically (?:generated|"
        r"sent)|generated automatically|sent automatically)|\bauto[- ]?reply\b",
        mail=r"e-?mails?|mails?|messages?",
        undelivered=r"undeliver(?:able|ed)|non.?deliver(?:y|able|ed)|(?:could|can|was|has|did)(?: ?not|n't) (?:be |"
        r"been )?(?:delivered|sent|relayed|transmitted|transferred|reached?|deliver)|not (?:been )?delivered|not yet "
        r"been delivered|returned (?:to sender|mail|message|e-?mail)|delivery (?:has )?(?:failed|failures?|error|"
        r"delayed|problems?|warning|incomplete|report|status|notification)|failed to deliver|fail(?:ed|ure) notice|"
        r"unable to (?:deliver|send|relay)|delayed|failed|blocked|rejected|refused|returned",
        full=r"mailbox (?:is |\S{1,80} is )?(?:full|over ?quota|exceeded)|full mailbox|(?:over|exceed(?:s|ed|ing)?|"
        r"out of) (?:\w{1,12} ){0,3}quota|quota (?:is |has been )?(?:exceeded|full)|over ?quota|(?:insufficient|not "
        r"enough|no) (?:system |disk |storage |mailbox )?(?:storage|space)|space not enough|mail ?box (?:size|quota) "
        r"(?:limit )?exceeded|inbox (?:is )?full|exceeded (?:the |its )?storage|mailbox exceeds",
        unknown=r"(?:user|recipient|mailbox|address|account|alias|e-?mail)(?: name)?(?: \S{3,80})? ?(?:is |was |"
        r"could )?(?:unknown|not (?:found|known|recognized|listed|exist|be found)|not a (?:valid|known)|does(?:n't| "
        r"not) exist|invalid|not active)|(?:unknown|no such|invalid|bad|non-?existent) (?:\w{1,9} )?(?:user|"
        r"recipient|mailbox|address|account|alias|person|customer)|no (?:mail ?box|account) (?:here|found|by|with|"
        r"for|available)|no mail box|not our customer|doesn't have an? \S{0,30} ?account|not listed in|recipient "
        r"(?:name )?is not recognized|unrouteable|unroutable|(?:isn't|is not|not) (?:a valid|an? known|an active|a "
        r"local) (?:user|recipient|address|mailbox|e-?mail)|recipient no longer|no longer (?:valid|on server|"
        r"exists?)|there is no \S{0,40} ?(?:user|mailbox|account)|\bbad_recipient\b|badrcptto|couldn't be found",
        shop=r"\border|parcel|package|shipment|shipping|courier|refund|invoice|my (?:money|item|address)|purchase|"
        r"delivered (?:by|on)|deliver(?:ed)? to my (?:home|house|door|neighbou?r)|deliver (?:it|the)|tracking",
    ),
    MachineWords(
        language="de",
        automatic=r"automatische (?:antwort|rückmeldung|nachricht|e-?mail-antwort|eingangsbestätigung)|auto-?antwort|"
        r"automatisch erstellte antwort",
        notice=r"abwesenheits(?:notiz|nachricht|benachrichtigung|meldung|info(?:rmation)?|assistent|agent)|"
        r"urlaubs(?:notiz|benachrichtigung|meldung)",
        away=r"abwesend|abwesenheit|nicht im (?:büro|hause?)|im urlaub|außer haus",
        absent=r"abwesen|urlaub|nicht im (?:büro|hause?|dienst)|im urlaub|außer haus|nicht (?:am arbeitsplatz|im "
        r"einsatz)|ab dem \S{1,12} wieder (?:erreichbar|im büro)|in elternzeit|betriebsferien|urlaub bis|nicht (?:zu "
        r")?erreich|wieder (?:da|zurück|für sie da|erreichbar|im büro)|geschlossen|auf (?:dienst|geschäfts)?reise|"
        r"verreist|nicht mehr (?:für|bei|im unternehmen)|krank(?:heit|geschrieben)?",
        itself=r"(?:dies|das) ist eine automatische? (?:antwort|rückantwort|nachricht)|diese (?:nachricht|e-?mail|"
        r"mail|antwort) (?:wurde|wird|ist) automatisch|automatisch (?:generiert|erstellt|erzeugt)e (?:antwort|"
        r"nachricht)",
        mail=r"nachricht(?:en)?|e-?mails?|mails?|mitteilung",
        undelivered=r"unzustellbar|nicht zustellbar|(?:nicht|nicht mehr) (?:zugestellt|ausgeliefert|übermittelt|"
        r"gesendet)|zustell(?:ung|en)\S{0,30} (?:ist |noch |derzeit |endgültig )?(?:fehlgeschlagen|gescheitert|"
        r"verzögert|nicht möglich)|fehler bei der zustellung|zustellfehler|zurückgewiesen|abgelehnt",
        full=r"postfach (?:\S{1,60} )?(?:ist )?voll|speicherplatz|quota überschritten|kein platz",
        unknown=r"(?:empfänger|adresse|postfach|benutzer|konto)\S{0,12} (?:\S{1,60} )?(?:ist )?(?:unbekannt|nicht "
        r"(?:gefunden|bekannt|vorhanden|gültig)|existiert nicht|wurde nicht gefunden|konnte nicht gefunden)|"
        r"unbekannter (?:empfänger|benutzer)",
        shop=r"bestell|paket|lieferung|sendung|rückerstattung|rechnung|\bdhl\b|kaufpreis|\bware\b|artikel",
    ),
    MachineWords(
        language="fr",
        automatic=r"réponse automatique|réponse auto\b|répondeur automatique",
        notice=r"message d'absence|avis d'absence|notification d'absence|absence du bureau|gestionnaire d'absence",
        away=r"absente?(?:\(e\))? du bureau|absence|en congés?|hors du bureau|absente?",
        absent=r"absen(?:t|te|ce)\b|en congés?|en vacances|hors du bureau|de retour le|en déplacement|(?:bureau|"
        r"cabinet|magasin|nous) \S{0,8} ?(?:est|sommes|sera|serons) fermé|fermée? (?:du|jusqu)|serai (?:de retour|"
        r"joignable)|indisponible|ne suis pas (?:disponible|joignable|au bureau)|ne fais plus partie|en arrêt",
        itself=r"(?:ceci|cet? (?:e-?mail|message|courriel)|il s'agit) (?:est )?(?:d')?une? (?:réponse|message|"
        r"courriel) (?:générée? )?automati(?:que|quement)|ce (?:message|courriel|mail) (?:a été|est) (?:envoyé|"
        r"généré) automatiquement|réponse automatique",
        mail=r"messages?|courriels?|e-?mails?|mails?|courriers? électroniques?",
        undelivered=r"non[- ](?:remis|délivré|distribué|distribuable)e?|n'(?:a|ont) pas (?:pu )?(?:être |etre |été "
        r")?(?:remis|délivré|distribué|envoyé|acheminé)|impossible (?:de remettre|de distribuer|de délivrer|"
        r"d'acheminer)|échec (?:de (?:la )?|d')?(?:remise|distribution|envoi|livraison)|rejeté|retardé",
        full=r"boîte (?:aux lettres |de réception |mail )?(?:\S{1,60} )?(?:est )?pleine|quota (?:est )?dépassé",
        unknown=r"(?:destinataire|adresse|utilisateur|compte|boîte)(?: \S{1,60}){0,2} (?:est )?(?:inconnue?|"
        r"introuvable|inexistante?|n'existe pas|invalide)|n'existe pas",
        shop=r"commande|colis|livraison|rembours|facture|achat|article|transporteur",
    ),
    MachineWords(
        language="es",
        automatic=r"respuesta (?:automática|automatica)|contestación automática|auto-?respuesta",
        notice=r"(?:aviso|mensaje|notificación) de (?:ausencia|vacaciones)",
        away=r"fuera de (?:la )?oficina|ausente|ausencia|de vacaciones",
        absent=r"fuera de (?:la |mi )?oficina|ausen(?:te|cia|taré)|de vacaciones|de baja|de permiso|fuera del "
        r"(?:despacho|trabajo)|no (?:estoy|estaré|estamos) (?:disponible|en la oficina)|(?:oficina|permanecerá|"
        r"estamos) cerrad|cerrado por|de viaje|volver[ée] el|regreso el|ya no trabaj",
        itself=r"(?:este|esta|esto) (?:es|mensaje es|correo es) (?:un|una) (?:mensaje|respuesta|correo) "
        r"automátic[oa]|(?:este mensaje|este correo|esta respuesta) (?:ha sido|fue|se ha) (?:generad[oa]|enviad[oa]) "
        r"(?:automáticamente|de forma automática)|respuesta automática",
        mail=r"mensajes?|correos?(?: electrónicos?)?|e-?mails?",
        undelivered=r"no (?:se )?(?:puede|pudo|ha podido|ha sido|fue|pudo ser|puede ser) (?:ser )?(?:entregar|"
        r"entregado|enviar|enviado)(?:se)?|no entregado|(?:error|fallo) (?:en|de) (?:la )?entrega|devuelto|rechazado|"
        r"no se entregó",
        full=r"buzón (?:\S{1,60} )?(?:está )?lleno|cuota (?:\S{1,20} )?(?:excedida|superada)",
        unknown=r"(?:destinatario|dirección|usuario|buzón|cuenta)(?: \S{1,60}){0,2} (?:no existe|desconocid[oa]|"
        r"inexistente|no (?:se )?(?:encontrad[oa]|encontró|válid[oa]))|no se encontró",
        shop=r"pedido|paquete|envío\b|reembolso|factura|compra|artículo|transportista|mensajer",
    ),
    MachineWords(
        language="it",
        automatic=r"risposta automatica|risposta auto\b|autorisposta|risponditore automatico|risposta non al computer",
        notice=r"(?:avviso|messaggio|notifica) di assenza",
        away=r"fuori (?:sede|ufficio)|assente|assenza|in ferie",
        absent=r"fuori (?:sede|(?:dall')?ufficio)|assen(?:te|za)|in ferie|in vacanza|in congedo|non (?:sono|sarò) "
        r"(?:disponibile|raggiungibile|in ufficio)|chius[oi](?: per| fino| dal)|in viaggio|in trasferta|rientr(?:o|"
        r"erò) (?:il|lunedì)|in maternità|in malattia|non lavoro più",
        itself=r"(?:questo|questa|questo messaggio|questa e-?mail) è una? (?:messaggio|risposta|e-?mail) "
        r"automatic[oa]|(?:messaggio|risposta|e-?mail) (?:generat[oa]|inviat[oa]) automaticamente|risposta automatica",
        mail=r"messaggi[oi]?|e-?mail|posta|mail",
        undelivered=r"non recapit(?:abile|ato)|mancat[oa] (?:consegna|recapito)|non (?:è stato possibile|può essere|"
        r"è stato|è stata|può) (?:essere )?(?:consegna|recapita|invia|inoltra)(?:re|to|ta)|impossibile (?:recapitare|"
        r"consegnare|inviare)|respint[oa]|rifiutat[oa]",
        full=r"casella (?:\S{1,60} )?(?:è )?piena|quota superata|spazio esaurito",
        unknown=r"(?:destinatario|indirizzo|utente|casella|account)(?: \S{1,60}){0,2} (?:non (?:esiste|trovat[oa]|"
        r"valid[oa])|sconosciut[oa]|inesistente)",
        shop=r"ordine|pacco|spedizione|rimborso|fattura|acquisto|articolo|corriere",
    ),
    MachineWords(
        language="pt",
        automatic=r"resposta automática|auto-?resposta|resposta automatica",
        notice=r"(?:aviso|mensagem|notificação) de (?:ausência|férias)|ausência temporária",
        away=r"fora do escritório|ausente|ausência|de férias",
        absent=r"fora do escritório|ausen(?:te|tar)|ausência|(?:de|em) férias|de licença|não (?:estou|estarei) "
        r"(?:disponível|no escritório)|encerrad[oa]s? (?:de|até|para)|em viagem|regresso (?:a|no dia)|de baixa|já "
        r"não trabalho|indisponível",
        itself=r"(?:esta|este|isto) é uma? (?:resposta|mensagem|e-?mail) automátic[ao]|(?:esta mensagem|este "
        r"e-?mail) foi (?:gerad[ao]|enviad[ao]) automaticamente|resposta automática",
        mail=r"mensagem|mensagens|e-?mails?|correio",
        undelivered=r"não (?:é possível|foi possível|pôde|pode) (?:ser )?(?:entregar|entregue|enviar|enviada)|não "
        r"(?:foi )?(?:entregue|enviada)|falha (?:na|de) (?:entrega|envio)|erro (?:na|de) entrega|devolvid[ao]|"
        r"rejeitad[ao]",
        full=r"caixa (?:de correio |postal |de entrada )?(?:\S{1,60} )?(?:está )?cheia|cota excedida",
        unknown=r"(?:destinatário|endereço|usuário|utilizador|caixa|conta)(?: \S{1,60}){0,2} (?:não (?:existe|"
        r"encontrad[oa]|foi encontrad[oa])|desconhecid[oa]|inexistente|inválid[oa])",
        shop=r"encomenda|pedido|pacote|remessa|reembolso|fatura|compra|artigo|transportadora",
    ),
    MachineWords(
        language="nl",
        automatic=r"automatisch (?:antwoord|bericht)|automatische? (?:antwoord|reactie|beantwoording)",
        notice=r"afwezigheids(?:bericht|melding|assistent)|vakantiebericht",
        away=r"afwezig(?:heid)?|niet (?:aanwezig|op kantoor)|op vakantie",
        absent=r"afwezig|niet (?:aanwezig|op kantoor|bereikbaar)|(?:op|met) vakantie|met verlof|(?:ben|zijn) (?:er "
        r")?(?:niet|momenteel niet|op dit moment niet) (?:bereikbaar|aanwezig|tot|op kantoor)|ben er niet|gesloten|"
        r"op reis|weer terug|niet meer werkzaam|ziek(?:te)?verlof",
        itself=r"dit is een (?:automatisch|automatische|automatisch gegenereerd) (?:antwoord|bericht|reactie|"
        r"e-?mail)|(?:dit bericht|deze e-?mail) (?:is|werd) automatisch|automatisch antwoord",
        mail=r"bericht(?:en)?|e-?mails?|mails?",
        undelivered=r"onbestelbaar|niet (?:worden |kunnen )?(?:bezorgd|afgeleverd|besteld|verzonden|bezorgen)|"
        r"(?:bezorging|aflevering) (?:is )?(?:mislukt|vertraagd)|geweigerd",
        full=r"postvak (?:\S{1,60} )?(?:is )?vol|quotum overschreden",
        unknown=r"(?:ontvanger|adres|gebruiker|postvak|account)(?: \S{1,60}){0,2} (?:bestaat niet|onbekend|niet "
        r"gevonden|ongeldig)|onbekende (?:gebruiker|ontvanger)",
        shop=r"bestelling|pakket|pakje|levering|zending|terugbetaling|factuur|aankoop|artikel|bezorger",
    ),
    MachineWords(
        language="pl",
        automatic=r"automatyczna odpowiedź|odpowiedź automatyczna|autoodpowiedź|autoresponder",
        notice=r"(?:powiadomienie|informacja) o nieobecności",
        away=r"nieobecn(?:ość|y|a)|poza biurem|na urlopie",
        absent=r"nieobecn|poza biurem|na urlopie|na zwolnieniu|urlop|nie ma mnie|nieczynne|zamknięt|w podróży|w "
        r"delegacji|(?:wracam|wrócę|powrót) |niedostępn|już nie pracuj",
        itself=r"(?:to jest|jest to|to) (?:wiadomość |odpowiedź )?(?:automatyczna|wygenerowana automatycznie)(?: "
        r"odpowiedź| wiadomość)?|wiadomość (?:została )?(?:wygenerowana|wysłana) automatycznie|automatyczna odpowiedź",
        mail=r"wiadomo(?:ść|ści)|e-?maila?|poczta|list",
        undelivered=r"nie (?:można|udało się|mogła|może|została|zostało)(?: zostać| być)? (?:dostarczyć|"
        r"dostarczon[ao]|doręczyć|doręczona|wysłać)|niedostarczon|nie dostarczono|zwrot (?:poczty|wiadomości)|"
        r"odrzucon",
        full=r"skrzynka (?:\S{1,60} )?(?:jest )?(?:pełna|przepełniona)|przekroczon\S{0,3} limit",
        unknown=r"(?:odbiorca|adres|użytkownik|skrzynka|konto)(?: \S{1,60}){0,2} (?:nie istnieje|nieznan[yae]|nie "
        r"znaleziono|nieprawidłow)",
        shop=r"zamówieni|paczk|przesyłk|dostaw|zwrot pieniędzy|faktur|zakup|kurier",
    ),
    MachineWords(
        language="sv",
        automatic=r"autosvar|automatiskt? svar",
        notice=r"frånvaro(?:meddelande|besked)|frånvarobesked",
        away=r"frånvaro|frånvarande|inte på kontoret|på semester",
        absent=r"frånvar|på semester|inte på (?:kontoret|plats)|borta från|tjänstledig|föräldraledig|har semester|"
        r"(?:är|kommer att vara) (?:ledig|bortrest|sjukskriven|på resa|frånvarande)|bortrest|stängt|åter (?:på|den|"
        r"igen)|inte (?:tillgänglig|nåbar|anträffbar)|slutat på",
        itself=r"det(?:ta)? (?:här )?är ett (?:automatiskt|autogenererat) (?:svar|meddelande|mejl)|(?:meddelandet|"
        r"mejlet) (?:har )?skicka(?:ts|des) automatiskt|autosvar",
        mail=r"meddelande(?:t|n)?|e-?post(?:meddelande)?|mejl(?:et)?|brev",
        undelivered=r"(?:kan|kunde|har) inte (?:ha )?(?:leverera|levererats|levereras|skickas|skickats)|olevererbar|"
        r"går inte att leverera|leveransen (?:har )?misslyckats|leveransfel|avvisat",
        full=r"(?:brevlåda|postlåda|inkorg)\S{0,3} (?:\S{1,60} )?(?:är )?full|kvot\S{0,2} (?:har )?överskrid",
        unknown=r"(?:mottagare|adress|användare|brevlåda|konto)\S{0,3}(?: \S{1,60}){0,2} (?:finns inte|okänd|"
        r"hittades inte|kunde inte hittas|ogiltig)|okänd (?:mottagare|användare)",
        shop=r"beställning|paket|leveransen av|försändelse|återbetalning|faktura|köp|artikel|order",
    ),
    MachineWords(
        language="da",
        automatic=r"autosvar|automatisk svar|automatisk besvarelse",
        notice=r"fraværs(?:meddelelse|besked|assistent)|feriebesked",
        away=r"fravær(?:ende)?|ikke (?:til stede|på kontoret)|på ferie|ikke på kontoret",
        absent=r"fravær|ikke (?:til stede|på kontoret|på arbejde)|på ferie|holder ferie|på barsel|ude af (?:kontoret|"
        r"huset)|bortrejst|lukket|tilbage (?:den|på|igen|mandag)|ikke tilgængelig|kan ikke træffes|er sygemeldt|"
        r"stoppet hos|forretningsrejse",
        itself=r"dette er (?:et|en) (?:automatisk|autogenereret) (?:svar|besked|meddelelse|mail)|(?:beskeden|mailen) "
        r"er sendt automatisk|autosvar",
        mail=r"meddelelsen?|besked(?:en)?|e-?mails?|mails?",
        undelivered=r"(?:kan|kunne|er|blev) ikke (?:blive )?(?:leveret|leveres|sendes|afleveres)|ikke leveret|"
        r"levering (?:mislykkedes|fejlede)|leveringsfejl|afvist",
        full=r"postkasse\S{0,2} (?:\S{1,60} )?(?:er )?(?:fuld|fyldt)|kvote\S{0,2} (?:er )?overskredet",
        unknown=r"(?:modtager|adresse|bruger|postkasse|konto)\S{0,3}(?: \S{1,60}){0,2} (?:findes ikke|ukendt|blev "
        r"ikke fundet|ikke fundet|ugyldig)|ukendt (?:modtager|bruger)",
        shop=r"bestilling|pakke|forsendelse|refusion|faktura|købt?|varen?|ordre|fragt",
    ),
    MachineWords(
        language="nb",
        automatic=r"autosvar|automatisk svar|automatisk melding",
        notice=r"fraværs(?:melding|beskjed|assistent)|feriemelding",
        away=r"fravær(?:ende)?|ikke til stede|ikke på kontoret|på ferie",
        absent=r"fravær|ikke til ?stede|ikke på (?:kontoret|jobb)|på ferie|har ferie|borte fra|permisjon|ute av "
        r"(?:kontoret|huset)|bortreist|på reise|stengt|tilbake (?:den|på|igjen|mandag)|ikke tilgjengelig|kan ikke "
        r"treffes|sykmeldt|sluttet",
        itself=r"dette er (?:et|en) (?:automatisk|autogenerert) (?:svar|melding|e-?post)|(?:meldingen|e-?posten) "
        r"(?:er|ble) sendt automatisk|autosvar",
        mail=r"melding(?:en)?|e-?post(?:en)?|brev",
        undelivered=r"(?:kan|kunne|er|ble) ikke (?:bli )?(?:levert|leveres|sendes)|ikke levert|levering(?:en)? "
        r"(?:mislyktes|feilet)|leveringsfeil|avvist",
        full=r"postboks\S{0,2} (?:\S{1,60} )?(?:er )?full|kvote\S{0,2} (?:er )?overskredet",
        unknown=r"(?:mottaker|adresse|bruker|postboks|konto)\S{0,3}(?: \S{1,60}){0,2} (?:finnes ikke|ukjent|ble ikke "
        r"funnet|ikke funnet|ugyldig)|ukjent (?:mottaker|bruker)",
        shop=r"bestilling|pakke|forsendelse|sending|refusjon|faktura|kjøp|varen?|ordre",
    ),
    MachineWords(
        language="fi",
        automatic=r"automaattinen (?:vastaus|viesti)|automaattivastaus",
        notice=r"poissaolo(?:viesti|ilmoitus)|lomaviesti",
        away=r"poissa(?: toimistosta)?|poissaolo|lomalla|en ole toimistolla",
        absent=r"poissa|lomalla|en ole (?:toimistolla|paikalla|töissä)|vapaalla|matkoilla|matkalla|en ole "
        r"tavoitettavissa|tavoitettavissa (?:taas|jälleen)|suljettu|palaan |sairauslomalla|en työskentele enää|"
        r"poissaolo",
        itself=r"tämä on automaattinen (?:vastaus|viesti)|(?:viesti|vastaus) on lähetetty automaattisesti|"
        r"automaattinen vastaus|automaattivastaus",
        mail=r"viesti(?:n|ä|si)?|sähköposti\S{0,6}|posti",
        undelivered=r"(?:toimittaminen|toimitus) (?:ei onnistu(?:nut)?|epäonnistui|viivästy)|ei (?:voi|voida|voitu|"
        r"ole|onnistuttu) (?:toimittaa|toimittamaan|toimitettu|lähettää)|toimittamatta|hylätty",
        full=r"(?:postilaatikko|sähköpostilaatikko) (?:\S{1,60} )?(?:on )?täynnä|kiintiö (?:on )?ylit",
        unknown=r"(?:vastaanottaja|osoite|käyttäjä|postilaatikko|tili)\S{0,3}(?: \S{1,60}){0,2} (?:ei (?:ole "
        r"olemassa|löydy|löytynyt)|tuntematon)|tuntematon (?:käyttäjä|vastaanottaja)",
        shop=r"tilau(?:s|k)|paket(?:ti|in)|lähety(?:s|k)|palautus|hyvitys|lasku|ostos|tuote",
    ),
    MachineWords(
        language="cs",
        automatic=r"automatická (?:odpověď|zpráva)|autoodpověď",
        notice=r"(?:oznámení|zpráva|informace) o nepřítomnosti",
        away=r"nepřítomnost|mimo kancelář|na dovolené|dovolená",
        absent=r"nepřítom|mimo kancelář|na dovolené|dovolenou|čerpám dovolenou|nejsem (?:v kanceláři|k zastižení|"
        r"dostupn)|nebudu (?:v kanceláři|k zastižení)|na nemocenské|na cestách|na služební cestě|zavřeno|vrátím se|"
        r"zpět v kanceláři|mateřsk",
        itself=r"toto je automatick[áy] (?:odpověď|zpráva|e-?mail)|(?:zpráva|e-?mail) byl[ao]? (?:vygenerován|"
        r"odeslán)[ao]? automaticky|automatická odpověď",
        mail=r"zpráv[auy]|e-?mail(?:u|y)?|pošta",
        undelivered=r"nedoručiteln|nedoručen|nelze doručit|nebyl[ao]? (?:možné )?doručen[ao]?|ne(?:podařilo|lze)(?: "
        r"se)? doručit|(?:chyba|selhání) (?:při )?doručení|nepodařilo se (?:doručit|odeslat)|odmítnut",
        full=r"schránka (?:\S{1,60} )?(?:je )?(?:plná|přeplněná)|kvóta (?:byla )?překročena",
        unknown=r"(?:příjemce|adresa|uživatel|schránka|účet)(?: \S{1,60}){0,2} (?:neexistuje|neznám[ýáa]|nebyl[ao]? "
        r"nalezen)|neznámý (?:uživatel|příjemce)",
        shop=r"objednáv|balík|zásilk|vrácení peněz|faktur|nákup|zboží|dopravc",
    ),
    MachineWords(
        language="ru",
        automatic=r"авто(?:матический )?\s?-?ответ(?:чик)?|автоматическое (?:сообщение|уведомление)",
        notice=r"(?:уведомление|сообщение) об отсутствии",
        away=r"вне офиса|отсутствую|в отпуске|нет на (?:рабочем )?месте|нет на работе",
        absent=r"отпуск|отсутств|вне офиса|не в офисе|нет на (?:рабочем )?месте|нет в офисе|командировк|не на месте|"
        r"не работаем|закрыт|недоступ|вернусь|на больничном|больше не работаю|выходной|в отъезде",
        itself=r"это автоматическ(?:ий ответ|ое (?:сообщение|письмо|уведомление))|(?:сообщение|письмо|ответ) "
        r"(?:создан|сформирован|отправлен)о? автоматически|автоответ",
        mail=r"сообщени[еяй]|письм[оаем]{1,2}|почт[аы]",
        undelivered=r"недоставленн|не (?:удается|удаётся|удалось|может быть|могло быть|было|был|может) (?:доставить|"
        r"доставлен|доставлено|отправить)|не доставлен|(?:ошибка|сбой) (?:при )?доставк|отклонен|отклонён",
        full=r"(?:ящик|почтовый ящик) (?:\S{1,60} )?(?:пере)?полон|переполнен|превышена квота",
        unknown=r"(?:получател|адрес|пользовател|ящик)\S{0,3}(?: \S{1,60}){0,2} (?:не (?:существует|найден|"
        r"зарегистрирован)|неизвестен)|нет такого (?:пользователя|получателя|адреса)",
        shop=r"заказ|посылк|доставк[аеу] (?:заказа|товара)|курьер|возврат|покупк|товар|счёт|накладн",
    ),
    MachineWords(
        language="uk",
        automatic=r"автоматична відповідь|автовідповід[ьа]\S{0,3}|автоматичне повідомлення",
        notice=r"повідомлення про відсутність",
        away=r"поза офісом|відсутн(?:ій|я|ість)|у відпустці|немає на місці",
        absent=r"відпуст|відсутн|поза офісом|не в офісі|немає на місці|немає в офісі|відряджен|не працюємо|зачинен|"
        r"недоступн|повернуся|на лікарняному|більше не працюю|вихідн",
        itself=r"це автоматичн(?:а відповідь|е повідомлення|ий лист)|(?:повідомлення|лист) (?:створено|надіслано) "
        r"автоматично|автоматична відповідь",
        mail=r"повідомлення|лист[аи]?|пошт[аи]",
        undelivered=r"не вдалося (?:доставити|надіслати)|недоставлен|не (?:було |може бути )?доставлен|помилка "
        r"доставк|відхилено",
        full=r"скринька (?:\S{1,60} )?(?:пере)?повнена|перевищено квоту",
        unknown=r"(?:одержувач|отримувач|адрес|користувач|скриньк)\S{0,3}(?: \S{1,60}){0,2} (?:не (?:існує|знайдено)|"
        r"невідом)",
        shop=r"замовлен|посилк|доставк[аиу] (?:замовлення|товару)|кур'єр|повернен|покупк|товар",
    ),
    MachineWords(
        language="tr",
        automatic=r"otomatik (?:yanıt|cevap|mesaj)",
        notice=r"(?:ofis dışı|izin) (?:bildirimi|mesajı|yanıtı)",
        away=r"ofis(?:te)? (?:dışında|değil)|izinde(?:yim)?|tatilde(?:yim)?",
        absent=r"ofis(?:in)? dışınd|ofiste (?:değil|bulunm)|izinde|izinli|tatilde|yıllık izin|yurt ?dışında|"
        r"seyahatte|kapalı(?:yız)?|dönüş(?:te|üm)|ulaşılamaz|müsait değil|raporlu|artık çalışmıyor|ofiste olmayaca",
        itself=r"bu,? (?:bir )?otomatik (?:bir )?(?:yanıt|cevap|mesaj|ileti)|otomatik olarak (?:gönderil|oluşturul)|"
        r"otomatik yanıt",
        mail=r"ileti(?:niz|nin|si)?|mesaj(?:ınız|ı)?|e-?posta(?:nız|sı)?",
        undelivered=r"teslim edil(?:e)?medi|iletil(?:e)?medi|gönderil(?:e)?medi|ulaştırılamadı|teslim edilemiyor|"
        r"reddedildi",
        full=r"posta kutusu (?:\S{1,60} )?(?:dolu|doldu)|kota (?:aşıldı|doldu)",
        unknown=r"(?:alıcı|adres|kullanıcı|posta kutusu|hesap)\S{0,3}(?: \S{1,60}){0,2} (?:bulunamadı|yok|mevcut "
        r"değil|geçersiz|bilinmiyor)",
        shop=r"sipariş|kargo|paket|teslimat|iade|fatura|ürün",
    ),
    MachineWords(
        language="el",
        automatic=r"αυτόματη (?:απάντηση|απόκριση)|αυτόματο μήνυμα",
        notice=r"ειδοποίηση απουσίας|μήνυμα απουσίας",
        away=r"εκτός γραφείου|απουσ(?:ία|ιάζω)|σε άδεια",
        absent=r"εκτός γραφείου|απουσ(?:ι|ί)|(?:σε|με) άδεια|σε διακοπές|δεν (?:θα )?(?:είμαι|βρίσκομαι|βρισκομαι) "
        r"(?:στο γραφείο|διαθέσιμ)|λείπω|ταξιδεύω|σε ταξίδι|κλειστ|επιστρέφω|δεν εργάζομαι πλέον",
        itself=r"(?:αυτή|αυτό|το παρόν) είναι (?:μια |ένα )?(?:αυτόματη απάντηση|αυτόματο μήνυμα)|(?:εστάλη|στάλθηκε|"
        r"δημιουργήθηκε) αυτόματα|αυτόματη απάντηση",
        mail=r"μήνυμα(?:τα|τος|τά)?|e-?mail|αλληλογραφία",
        undelivered=r"δεν (?:είναι|ήταν|κατέστη) δυνατή η (?:παράδοση|αποστολή)|δεν (?:παραδόθηκε|στάλθηκε|μπόρεσε "
        r"να παραδοθεί)|μη παραδο|αδυναμία (?:παράδοσης|αποστολής)|αποτυχία παράδοσης|απορρίφθηκε",
        full=r"γραμματοκιβώτιο (?:\S{1,60} )?(?:είναι )?(?:γεμάτο|πλήρες)",
        unknown=r"(?:παραλήπτης|διεύθυνση|χρήστης|λογαριασμός)(?: \S{1,60}){0,2} (?:δεν (?:υπάρχει|βρέθηκε)|άγνωστ)",
        shop=r"παραγγελ|δέμα|αποστολή μου|επιστροφή χρημ|τιμολόγι|αγορά|προϊόν|κούριερ|courier",
    ),
    MachineWords(
        language="he",
        automatic=r"(?:תשובה|תגובה|הודעה|מענה) אוטומטית?|מענה אוטומטי",
        notice=r"הודעת (?:היעדרות|העדרות|חופשה)",
        away=r"מחוץ למשרד|לא במשרד|בחופשה",
        absent=r"מחוץ למשרד|לא (?:אהיה |נמצאת? )?במשרד|בחופש|נעדרת?|איני נמצא|היעדר|אינני (?:במשרד|זמינ)|איני "
        r"(?:במשרד|זמינ)|לא זמינ|בחו.?ל|סגור|אחזור|במילואים|בחל.ד|לא עובד",
        itself=r"(?:זוהי|זו|זאת) (?:תשובה|הודעה|תגובה) אוטומטית|זה מענה אוטומטי|(?:נשלחה|נוצרה) (?:באופן אוטומטי|"
        r"אוטומטית)",
        mail=r"ההודעה|הודעת?|הודעתך|הדואר|דוא\"ל|המייל|מייל",
        undelivered=r"לא ניתן (?:למסירה|למסור|לשלוח|היה למסור)|לא (?:נמסרה|נמסר|נשלחה)|(?:המסירה|מסירה|השליחה) "
        r"(?:נכשלה|התעכבה)|נדחתה",
        full=r"תיבת (?:ה)?דואר (?:\S{1,60} )?מלאה",
        unknown=r"(?:הנמען|הכתובת|המשתמש|כתובת|נמען|משתמש)(?: \S{1,60}){0,2} (?:לא (?:קיימת?|נמצאה?|ידוע)|אינו קיים|"
        r"אינה קיימת)",
        shop=r"הזמנ|חביל|משלוח|החזר|חשבונית|רכיש|מוצר|שליח",
    ),
    MachineWords(
        language="ar",
        automatic=r"(?:ال)?رد (?:ال)?(?:تلقائي|آلي)|رسالة (?:تلقائية|آلية)",
        notice=r"إشعار (?:غياب|إجازة)",
        away=r"خارج المكتب|في إجازة|غياب",
        absent=r"خارج المكتب|في إجازة|غائب|غياب|لست (?:في المكتب|متواجد)|غير متواجد|لست متاح|غير متاح|في سفر|مسافر|"
        r"مغلق|سأعود|إجازة|لم أعد أعمل|خارج البلاد",
        itself=r"(?:هذا|هذه) (?:هو |هي )?(?:رد|رسالة) (?:تلقائية|تلقائي|آلية|آلي)|(?:تم إرسال|أرسلت|أُرسلت) (?:هذه "
        r"الرسالة )?(?:تلقائي|آلي)|رد تلقائي",
        mail=r"(?:ال)?رسال(?:ة|تك|تكم)|(?:ال)?بريد|رسائل",
        undelivered=r"تعذر (?:ال)?(?:تسليم|إرسال)|لم (?:يتم|نتمكن من) (?:ال)?(?:تسليم|إرسال)|فشل (?:في "
        r")?(?:ال)?(?:تسليم|إرسال)|غير (?:قابل للتسليم|مسلَّمة|مسلمة)|رفض",
        full=r"(?:صندوق|علبة) (?:ال)?(?:بريد|وارد)(?: \S{1,60})? ممتلئ",
        unknown=r"(?:المستلم|العنوان|المستخدم|الحساب|عنوان|مستخدم)(?: \S{1,60}){0,2} (?:غير (?:موجود|معروف|صحيح|"
        r"صالح)|لا يوجد)|لم يتم العثور",
        shop=r"طلب|طرد|شحن|توصيل|استرداد|فاتورة|شراء|منتج|مندوب",
    ),
    MachineWords(
        language="fa",
        automatic=r"پاسخ (?:خودکار|اتوماتیک)|پیام خودکار",
        notice=r"اعلان (?:عدم حضور|مرخصی)|پیام عدم حضور",
        away=r"خارج از (?:دفتر|محل کار|اداره)|مرخصی|عدم حضور",
        absent=r"مرخصی|عدم حضور|خارج از (?:دفتر|محل کار|اداره)|در (?:دفتر|محل کار) (?:نیستم|حضور ندارم)|تعطیلات|در "
        r"سفر|در دسترس نیستم|در دسترس نخواهم|تعطیل|بازمی ?گردم|بازگشت|ماموریت|مأموریت|دیگر در .{1,30} کار نمی",
        itself=r"این (?:یک )?(?:پاسخ|پیام) (?:خودکار|اتوماتیک)|به (?:صورت|طور) خودکار (?:ارسال|تولید)|پاسخ خودکار",
        mail=r"پیام(?: شما)?|ایمیل(?: شما)?|نامه|رایانامه",
        undelivered=r"(?:تحویل|ارسال) (?:داده )?(?:نشد|ناموفق|نگردید|انجام نشد|با شکست)|(?:غیر ?قابل|قابل) تحویل(?: "
        r"نیست| نبود)?|رد شد|برگشت (?:خورد|داده شد)",
        full=r"صندوق (?:پستی )?(?:\S{1,60} )?پر (?:است|شده)",
        unknown=r"(?:گیرنده|نشانی|آدرس|کاربر|حساب)(?: \S{1,60}){0,2} (?:وجود ندارد|یافت نشد|پیدا نشد|نامعتبر|"
        r"ناشناخته)",
        shop=r"سفارش|بسته|مرسوله|پیک|بازپرداخت|فاکتور|خرید|کالا|محصول",
    ),
    MachineWords(
        language="ja",
        automatic=r"自動(?:応答|返信|送信|回答)|オートリプライ",
        notice=r"不在(?:通知|のお知らせ|連絡|メール)|休暇(?:通知|のお知らせ)",
        away=r"不在(?:です|にしております|中)?|外出中|休暇中",
        absent=r"不在|休暇|外出中|休みをいただ|休業|出張中|休み|出張|外出|席を外し|退職|戻り(?:ます|次第)|帰社",
        itself=r"自動(?:的に)?(?:応答|返信|送信|配信)",
        mail=r"メール|メッセージ|電子メール|Eメール",
        undelivered=r"配信(?:不能|エラー|失敗|できま|でき|され(?:ません|なかった))|送信(?:エラー|失敗|"
        r"できませんでした|でき(?:ません|なかった))|届け(?:られ|ることができ)|配達(?:できません|不能)|"
        r"届きませんでした|拒否",
        full=r"メールボックス(?:が|の容量が)?(?:いっぱい|一杯|容量|満杯)|容量(?:を)?(?:超過|オーバー)",
        unknown=r"(?:宛先|アドレス|受信者|ユーザー?|アカウント)\S{0,12}(?:存在しません|見つかりません|不明|"
        r"存在しない|見つからない)",
        shop=r"注文|荷物|配送|配達|返金|請求書|購入|商品|お届け日",
    ),
    MachineWords(
        language="zh",
        automatic=r"(?:自动|自動)(?:回复|回覆|答复|答覆|回應|回应|應答|应答)",
        notice=r"(?:外出|不在办公室|休假|离岗)(?:通知|回复|自动回复)|不在辦公室通知",
        away=r"不在(?:办公室|辦公室)|外出|休假(?:中)?|出差",
        absent=r"不在(?:办公室|辦公室|公司)|休假|外出|度假|出差|请假|請假|放假|无法回复|無法回覆|长假|出国|出國|放假|"
        r"离职|離職|返回办公室|暂时无法|暫時無法|春节|公差",
        itself=r"(?:自动|自動)(?:回复|回覆|答复|答覆|回應|应答|发送|發送|生成)",
        mail=r"邮件|郵件|电子邮件|信件|消息|来信|來信",
        undelivered=r"退信|(?:被)?退回|(?:未|无法|無法|不能|没有|沒有|未能)(?:送达|送達|投递|傳遞|传递|发送|發送|"
        r"傳送|成功投递|成功发送)|(?:投递|傳送|发送|發送|递送|传送)(?:失败|失敗)|拒收|拒绝",
        full=r"(?:邮箱|信箱|郵箱|邮件箱)\S{0,20}(?:已满|已滿|空间不足|爆满|满了)|超出(?:配额|容量)",
        unknown=r"(?:收件人|用户|用戶|邮箱|地址|账号|帳號|信箱)\S{0,24}(?:不存在|未找到|找不到|无效|無效)",
        shop=r"订单|訂單|包裹|快递|快遞|配送|退款|发票|發票|购买|購買|商品|物流",
    ),
    MachineWords(
        language="ko",
        automatic=r"자동 ?(?:회신|응답|답장|답변)",
        notice=r"(?:부재|휴가) ?(?:중 ?)?(?:알림|안내|메시지|회신)",
        away=r"부재 ?중|휴가(?: ?중)?|외출 ?중|자리 ?비움",
        absent=r"부재 ?중|휴가|자리를 비|출장|외근|사무실에 없|자리에 (?:없|안)|해외|휴무|휴직|퇴사|복귀|여행 중",
        itself=r"자동(?:으로)? ?(?:회신|응답|발송|생성|전송)",
        mail=r"메일|이메일|메시지|전자 ?메일|편지",
        undelivered=r"배달(?:되지 않|할 수 없|되지 못|에 실패|하지 못| ?실패)|(?:전송|발송|전달|전송에|발송에|"
        r"전달에) ?(?:실패|할 수 없|하지 못|되지 않|되지 못)|반송|수신 ?거부|거부",
        full=r"(?:메일함|사서함|편지함|받은편지함)\S{0,20} ?(?:가득|용량|꽉)|용량(?:을)? ?초과",
        unknown=r"(?:수신자|받는 ?사람|주소|사용자|계정|메일 ?주소)\S{0,24} ?(?:없|존재하지 않|찾을 수 없|알 수 없|"
        r"잘못)",
        shop=r"주문|택배|배송|환불|영수증|구매|상품|소포",
    ),
)

#: A subject that calls itself an automatic answer, in further languages of Outlook and Exchange; Catalan, Galician,
#: Serbian and Slovak have the words of a language above.
FURTHER_AUTOMATIC: Mapping[str, str] = {
    "bg": r"автоматичен отговор",
    "et": r"automaat(?:ne )?vastus",
    "eu": r"erantzun automatikoa",
    "hi": r"स्वचालित (?:उत्तर|जवाब)",
    "hr": r"automatski odgovor",
    "hu": r"automatikus (?:válasz|üzenet)",
    "id": r"balasan (?:otomatis|automatik)",
    "is": r"sjálfvirkt svar",
    "lt": r"automatinis atsakymas",
    "lv": r"(?:ārpus biroja (?:\S{1,20} )?)?automātiskā atbilde",
    "ro": r"răspuns automat",
    "sl": r"samodejni odgovor",
    "sr": r"аутоматски одговор",
    "th": r"(?:ตอบกลับ|การตอบกลับ)อัตโนมัติ",
    "vi": r"(?:thư )?trả lời tự động",
}

#: Languages that put words together without blanks, or put articles before them.
_JOINED = frozenset({"he", "ar", "fa", "ja", "zh", "ko"})


def any_language(*fields: str) -> str:
    """Give the regular expression of a word of any of these fields in any language.

    >>> bool(re.search(any_language("notice"), "Abwesenheitsnotiz: Bestellung", re.IGNORECASE))
    True
    """
    found = [(words.language, getattr(words, field)) for field in fields for words in WORDS]
    apart = "|".join(text for language, text in found if language not in _JOINED)
    joined = "|".join(text for language, text in found if language in _JOINED)
    return folded(rf"(?:\b(?:{apart})|{joined})")


def folded(text: str) -> str:
    r"""Give a text as words are compared: without accents, and with one form of letters that look alike.

    Servers of old write without accents, macOS splits them off, keyboards for Persian and Arabic have each their own
    yeh and kaf, and upper-case Greek has none. Not for long texts: a run of accents costs the square of its length.

    >>> folded("R\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}ponse auto")
    'Reponse auto'
    """
    if text.isascii():
        return text
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", plain).translate(_ALIKE)


_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u0655\u0670]")
_ALIKE = str.maketrans(
    {
        "\N{ARABIC LETTER YEH}": "\N{ARABIC LETTER FARSI YEH}",
        "\N{ARABIC LETTER ALEF MAKSURA}": "\N{ARABIC LETTER FARSI YEH}",
        "\N{ARABIC LETTER KAF}": "\N{ARABIC LETTER KEHEH}",
        "\N{ZERO WIDTH NON-JOINER}": " ",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)
