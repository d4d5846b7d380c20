"""Mailbox strings: the grammar, the round trip, the conflicts and what they mean for TLS."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.imap_options import Findings, ImapOptions, TlsMode
from customerservice.errors import InsecureConnection, InvalidMailboxName

FLAGS = [
    "anonymous",
    "debug",
    "secure",
    "norsh",
    "ssl",
    "tls",
    "tls-sslv23",
    "notls",
    "validate-cert",
    "novalidate-cert",
    "tryssl",
    "readonly",
    "loser",
]
BARE_SERVICES = {
    "imap": "imap",
    "imap2": "imap",
    "imap2bis": "imap",
    "imap4": "imap",
    "imap4rev1": "imap",
    "pop3": "pop3",
    "pop": "pop3",
    "nntp": "nntp",
}
PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029")

hosts = st.one_of(
    st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?(?:\.[a-zA-Z][a-z0-9]{0,10}){0,3}\.?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.ip_addresses(v=4).map(lambda address: f"[{address}]"),
    st.just("münchen.example"),
)


@st.composite
def values(draw: st.DrawFn, limit: int) -> tuple[str, str]:
    """A value of a switch, as (what it means, how it is written)."""
    meaning = draw(st.text(PRINTABLE, min_size=1, max_size=limit))
    if not set("/:}") & set(meaning) and not meaning.startswith('"') and draw(st.booleans()):
        return meaning, meaning
    quoted = "".join("\\" + char if char in '"\\' or draw(st.booleans()) else char for char in meaning)
    return meaning, f'"{quoted}"'


def in_some_case(draw: st.DrawFn, text: str) -> str:
    return draw(st.sampled_from((text, text.upper(), text.title())))


@st.composite
def names_of_the_grammar(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A string of the whole grammar and what its parts mean."""
    host = draw(hosts)
    meaning: dict[str, object] = {"host": host.strip("[]")}
    parts = []
    if draw(st.booleans()):
        port = draw(st.integers(1, 65535))
        meaning["port"] = port
        parts.append(f":{port:0{draw(st.integers(1, 8))}}")
    for flag in draw(st.lists(st.sampled_from(FLAGS), max_size=6)):
        meaning[flag.replace("-", "_")] = True
        parts.append("/" + in_some_case(draw, flag))
    kind = draw(st.sampled_from(("none", "bare", "service")))
    if kind == "bare":
        switch = draw(st.sampled_from(sorted(BARE_SERVICES)))
        meaning["service"] = BARE_SERVICES[switch]
        parts.append("/" + in_some_case(draw, switch))
    elif kind == "service":
        name = draw(st.sampled_from(("imap", "POP3", "nntp", "smtp", "Submit", "sieve:x", "imap4")))
        meaning["service"] = BARE_SERVICES.get(name.lower(), name.lower())
        written = f'"{name}"' if ":" in name else name
        parts.append(f"/{in_some_case(draw, 'service')}={written}")
    for key in ("user", "authuser"):
        if draw(st.booleans()):
            meaning[key], written = draw(values(64))
            parts.append(f"/{in_some_case(draw, key)}={written}")
    parts = draw(st.permutations(parts))
    meaning["mailbox"] = draw(st.text(PRINTABLE, max_size=255))
    return "{" + host + "".join(parts) + "}" + str(meaning["mailbox"]), meaning


options = st.builds(
    ImapOptions,
    host=hosts.map(lambda host: host.strip("[]")),
    port=st.none() | st.integers(1, 65535),
    service=st.sampled_from(("imap", "pop3", "nntp", "smtp", "IMAP4")) | st.text(PRINTABLE, min_size=1, max_size=10),
    user=st.none() | st.text(PRINTABLE, min_size=1, max_size=64),
    authuser=st.none() | st.text(PRINTABLE, min_size=1, max_size=64),
    mailbox=st.text(PRINTABLE, max_size=255),
    **{flag.replace("-", "_"): st.booleans() for flag in FLAGS},
)


@given(names_of_the_grammar())
def test_every_name_of_the_grammar_is_accepted_and_means_what_it_says(name: tuple[str, dict[str, object]]) -> None:
    """Each part of a string of the grammar is found, whatever the order, case and quoting."""
    text, meaning = name

    assert ImapOptions.parse(text) == ImapOptions(**meaning)  # type: ignore[arg-type]


@given(options)
def test_render_and_parse_round_trip(value: ImapOptions) -> None:
    """Reading the canonical string gives the value back."""
    assert ImapOptions.parse(value.render()) == value


@given(options)
def test_rendering_is_canonical(value: ImapOptions) -> None:
    """Rendering what was read changes nothing more."""
    assert str(ImapOptions.parse(str(value))) == str(value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in another way than by saying what is wrong."""
    with contextlib.suppress(InvalidMailboxName):
        ImapOptions.parse("{" + text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mail.example:143", "does not start with {"),
        ("{mail.example", "closing } is missing"),
        ("{mail.example:143", "closing } is missing"),
        ("{mail.example/}", "empty"),
        ("{mail.example//ssl}", "empty"),
        ("{mail.example:0}", "0 is not between"),
        ("{mail.example:65536}", "65536 is not between"),
        ("{mail.example:}", "'' is not a number"),
        ("{mail.example:-1}", "'-1' is not a number"),
        ("{mail.example:1a}", "'1a' is not a number"),
        ("{mail.example:١٤٣}", "is not a number"),
        ("{mail.example:²}", "is not a number"),
        ("{mail.example:000000000000000000143}", "is not a number"),
        ("{mail.example:143:993}", "two ports: 143 and '993'"),
        ("{mail.example:143/ssl:993}", "two ports: 143 and '993'"),
        ("{mail.example/imap/pop3}", "two services: '/imap' and '/pop3'"),
        ("{mail.example/pop3/service=imap}", "two services: '/pop3' and '/service=imap'"),
        ("{mail.example/service=}", "empty"),
        ("{mail.example/service=aaaaaaaaaabbbbbbbbbbc}", "longer than 20"),
        ("{mail.example/user=}", "empty"),
        ('{mail.example/authuser=""}', "empty"),
        ("{mail.example/user=a/user=b}", "two values: 'a' and 'b'"),
        ("{mail.example/user}", "/user needs a value"),
        (f"{{mail.example/user={'u' * 65}}}", "longer than 64"),
        ("{mail.example/user=a\nb}", "control characters"),
        ('{mail.example/user="a}', "not closed"),
        ('{mail.example/user="a"b}', "'b}' stands where"),
        ("{mail.example/imaps}", "'/imaps' is unknown"),
        ("{mail.example/ssl=yes}", "'/ssl' is not a switch that takes a value"),
        ("{mail.example}" + "x" * 256, "longer than 255"),
        ("{mail.example}a\rb", "control characters"),
        ("{mail.example" + "/norsh" * 171 + "}", "more than 1023"),
        ("{mail.example/" + "x" * 100 + "}", "xxx...' is unknown"),
    ],
)
def test_a_string_outside_the_grammar_is_refused_by_name(text: str, says: str) -> None:
    """The error names the part that is wrong."""
    with pytest.raises(InvalidMailboxName) as caught:
        ImapOptions.parse(text)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "-oProxyCommand=id",
        "oProxyCommand",
        "x -oProxyCommand=echo",
        "-v",
        "a.-b",
        "a-.b",
        "a b",
        "a\tb",
        "a\nb",
        "a\x00b",
        "a\\b",
        "a..b",
        ".a",
        "a%00b",
        "a;id",
        "$(id)",
        "`id`",
        "a@b",
        "[mail.example]",
        "[::1",
        "[::1%eth0]",
        "[::g]",
        "a{b",
        "[::1]x",
        "a" * 64,
        "a." * 128 + "a",
    ],
)
def test_a_hostile_host_is_refused(host: str) -> None:
    """Only a host name, an address or a bracketed IPv6 address can stand for the host (CVE-2018-19518)."""
    with pytest.raises(InvalidMailboxName):
        ImapOptions.parse(f"{{{host}/imap}}INBOX")


@pytest.mark.parametrize("host", ["a/b", "a}b", "a:b", "a b", "-a", "oproxycommand.example"])
def test_a_hostile_host_is_refused_when_built(host: str) -> None:
    """A value cannot be built around what the parser refuses."""
    with pytest.raises(InvalidMailboxName):
        ImapOptions.for_host(host)


def test_the_builder_reads_like_the_string() -> None:
    """Builder methods give the value that the string gives."""
    built = (
        ImapOptions.for_host("mail.example")
        .with_pop3()
        .with_port(995)
        .with_ssl()
        .with_notls()
        .with_novalidate_cert()
        .with_user("anna", authuser="boss")
        .with_mailbox("Bücher")
    )

    assert built == ImapOptions.parse("{mail.example:995/pop3/ssl/notls/novalidate-cert/user=anna/authuser=boss}Bücher")


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (ImapOptions.for_host("h"), ""),
        (ImapOptions.for_host("h").with_ssl().with_notls(), "/ssl/notls"),
        (ImapOptions.for_host("h").with_tls().with_readonly(), "/tls/readonly"),
        (ImapOptions.for_host("h").with_flag("TLS-SSLv23"), "/tls-sslv23"),
    ],
)
def test_flags_are_shown_in_one_order(value: ImapOptions, flags: str) -> None:
    """`flags` gives the switches that are set, and only those."""
    assert value.flags == flags


def test_an_unknown_flag_is_refused() -> None:
    """`with_flag` names the flags there are."""
    with pytest.raises(InvalidMailboxName, match="'imaps' is not one of anonymous, debug"):
        ImapOptions.for_host("h").with_flag("imaps")


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("{h}", 143),
        ("{h/ssl}", 993),
        ("{h:143/ssl}", 143),
        ("{h/pop3}", 110),
        ("{h/pop3/ssl}", 995),
        ("{h/pop3:1100}", 1100),
        ("{h/nntp/ssl}", 563),
        ("{h/service=submit}", 587),
    ],
)
def test_the_port_has_a_default_for_service_and_tls(text: str, port: int) -> None:
    """A given port wins; else service and /ssl choose."""
    assert ImapOptions.parse(text).effective_port == port


def test_a_service_without_default_port_needs_one() -> None:
    """An unknown service has no port to guess."""
    with pytest.raises(InvalidMailboxName, match="must be given"):
        ImapOptions.parse("{h/service=sieve}").effective_port  # noqa: B018


SEVEN_TOGGLES = ("pop3", "norsh", "ssl", "validate-cert", "novalidate-cert", "tls", "notls")
ALL_COMBINATIONS = [
    ImapOptions.parse("{mail.example:4000" + "".join(f"/{flag}" for flag in chosen) + "}INBOX")
    for size in range(8)
    for chosen in itertools.combinations(SEVEN_TOGGLES, size)
]


def test_of_128_combinations_of_the_legacy_toggles_68_are_invalid() -> None:
    """68 contradict themselves as in c-client; both certificate switches together are our own refusal."""
    refused = [
        value
        for value in ALL_COMBINATIONS
        if any(not error.startswith("/validate-cert") for error in value.check().errors)
    ]

    assert (len(ALL_COMBINATIONS), len(refused)) == (128, 68)


def test_every_refused_combination_is_refused_on_use() -> None:
    """`require_usable` refuses what `check` finds errors in: 68, and 15 more for the two certificate switches."""
    refused = [value for value in ALL_COMBINATIONS if value.check().errors]
    for value in refused:
        with pytest.raises(InvalidMailboxName) as caught:
            value.require_usable()
        assert caught.value.reason == "; ".join(value.check().errors)
    for value in set(ALL_COMBINATIONS) - set(refused):
        value.require_usable()

    assert len(refused) == 83


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{h/ssl/tls}", ("/ssl", "/tls")),
        ("{h/notls/tls}", ("/tls", "/notls")),
        ("{h/pop3/norsh}", ("/norsh", "/pop3")),
        ("{h/norsh/service=smtp}", ("/norsh", "/smtp")),
        ("{h/validate-cert/novalidate-cert}", ("/validate-cert", "/novalidate-cert")),
        ("{h/pop3/readonly}", ("/readonly", "/pop3")),
        ("{h/pop3/anonymous}", ("/anonymous", "/pop3")),
        ("{h/nntp}", ("/service=nntp", "only imap and pop3")),
        ("{h/service=smtp}", ("/service=smtp", "only imap and pop3")),
    ],
)
def test_a_conflict_names_both_parts(text: str, parts: tuple[str, str]) -> None:
    """The first error holds both parts that contradict, so a person knows what to change."""
    error = ImapOptions.parse(text).check().errors[0]

    assert all(part in error for part in parts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{h/tls/novalidate-cert}", "certificate is not checked"),
        ("{h/tls/debug}", "/debug: has no effect"),
        ("{h/tls/loser}", "/loser: has no effect"),
        ("{h/tls/tryssl}", "/tryssl: has no effect"),
        ("{h/tls/tls-sslv23}", "/tls-sslv23: has no effect"),
        ("{h:143/ssl}", "/tls instead of /ssl"),
        ("{h:110/pop3/ssl}", "use 995"),
        ("{h:993}", "port 993 without /ssl"),
        ("{h:995/pop3}", "port 995 without /ssl"),
        ("{h/notls}", "refused unless the mailbox allows clear text"),
    ],
)
def test_a_doubtful_choice_warns_with_the_likely_fix(text: str, says: str) -> None:
    """A choice that works but is probably a mistake gives exactly one warning and no error."""
    findings = ImapOptions.parse(text).check()

    assert findings.errors == ()
    assert len(findings.warnings) == 1
    assert says in findings.warnings[0]


@pytest.mark.parametrize("text", ["{h}", "{h/ssl/notls}", "{h/imap/norsh/tls}", "{localhost/notls}", "{h/secure/ssl}"])
def test_an_ordinary_string_gives_no_findings(text: str) -> None:
    """/ssl with /notls is redundant and fine; so is clear text on loopback."""
    assert ImapOptions.parse(text).check() == Findings()


@pytest.mark.parametrize(
    ("text", "allowed", "mode"),
    [
        ("{h/ssl}", False, TlsMode.IMPLICIT),
        ("{h/ssl/notls}", False, TlsMode.IMPLICIT),
        ("{h/tls}", True, TlsMode.STARTTLS_REQUIRED),
        ("{h}", False, TlsMode.STARTTLS_REQUIRED),
        ("{h}", True, TlsMode.STARTTLS_IF_OFFERED),
        ("{127.0.0.1}", False, TlsMode.STARTTLS_IF_OFFERED),
        ("{h/notls}", True, TlsMode.CLEAR),
        ("{[::1]/notls}", False, TlsMode.CLEAR),
    ],
)
def test_the_switches_decide_how_the_connection_becomes_private(text: str, allowed: bool, mode: TlsMode) -> None:
    """Clear text needs permission; loopback has it; /tls never falls back."""
    assert ImapOptions.parse(text).tls_mode(allow_clear_text=allowed) is mode


def test_notls_without_ssl_is_refused_without_permission() -> None:
    """Nobody sends a password in clear text by a switch alone."""
    with pytest.raises(InsecureConnection, match="clear text"):
        ImapOptions.parse("{mail.example/notls}").tls_mode(allow_clear_text=False)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_only_this_machine(host: str, loopback: bool) -> None:
    """Names that merely look like loopback are not."""
    assert ImapOptions.for_host(host).is_loopback is loopback
