"""Chats and mail: what each is sent, held against servers that refuse what the real ones refuse."""

from contextlib import closing
from urllib.parse import quote

import orjson
import pytest

from core import mail
from notify.models import Attempt, Delivery
from tests.notify.receivers import MailServer, make_certificate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reachable")]

EVIL = '<!channel> <https://evil.example|Reset> [reset](https://evil.example) & "more"\r\nBcc: mallory@evil.example'
LINK = "https://lineal.example.org/projects/default/alerts/a-1"


def one():
    return Delivery.objects.get()


def texts(card):
    return [run["text"] for element in card["body"] for run in element["inlines"]]


def test_slack_gets_blocks(make_subscription, tell, work, slack):
    make_subscription(slack, kind="slack")
    tell(severity="critical")

    work()

    header, section, context, actions = slack.taken[0]["blocks"]
    assert header["text"]["text"] == slack.taken[0]["text"] == "drift alert on fraud v7 in production"
    assert section["text"]["text"] == "Columns: amount"
    assert "critical · alert.opened · default" in context["elements"][0]["text"]
    assert actions["elements"][0]["url"] == LINK
    assert one().state == "delivered"


def test_teams_gets_a_card(make_subscription, tell, work, teams):
    make_subscription(teams, kind="teams")
    tell()

    work()

    (card,) = teams.taken
    assert texts(card) == [
        "drift alert on fraud v7 in production", "Columns: amount", "warn · alert.opened · default"
    ]  # fmt: skip
    assert card["actions"][0]["url"] == LINK
    assert (one().state, Attempt.objects.get().status) == ("delivered", 202)


def test_what_was_logged_is_no_markup_for_slack(make_subscription, tell, work, slack):
    """A model may be called <!channel>, and nobody is rung."""
    make_subscription(slack, kind="slack")
    tell(title=EVIL, text=EVIL)

    work()

    header, section, context, _ = slack.taken[0]["blocks"]
    assert {header["text"]["type"], section["text"]["type"]} == {"plain_text"}
    assert "<" not in slack.taken[0]["text"]
    assert "<" not in context["elements"][0]["text"]


def test_what_was_logged_is_no_markup_for_teams(make_subscription, tell, work, teams):
    make_subscription(teams, kind="teams")
    tell(title=EVIL, text=EVIL)

    work()

    assert "[reset](https://evil.example)" in texts(teams.taken[0])[0], "a TextRun shows it as it is written"
    assert {element["type"] for element in teams.taken[0]["body"]} == {"RichTextBlock"}


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_long_texts_fit(make_subscription, tell, work, slack, teams, kind):
    receiver = {"slack": slack, "teams": teams}[kind]
    make_subscription(receiver, kind=kind)
    tell(title="ü&" * 500, text="line <&>\n" * 5_000)

    work()

    assert one().state == "delivered", one().detail
    assert "…" in orjson.dumps(receiver.taken[0]).decode()


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_server_that_does_not_know_its_address_offers_no_button(
    make_subscription, tell, work, slack, teams, kind, settings
):
    settings.PUBLIC_URL = ""
    receiver = {"slack": slack, "teams": teams}[kind]
    make_subscription(receiver, kind=kind)
    tell()

    work()

    assert one().state == "delivered", one().detail
    assert "Open in Lineal" not in orjson.dumps(receiver.taken[0]).decode()


def test_a_mail_says_what_happened(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="ada@example.org, bo@example.net,ada@example.org")
    (delivery,) = tell()

    work()

    ((recipients, message),) = mail_server.taken
    assert recipients == ["ada@example.org", "bo@example.net"]
    assert message["Subject"] == "[default] drift alert on fraud v7 in production"
    assert (message["From"], message["To"]) == ("Lineal <lineal@example.org>", "ada@example.org, bo@example.net")
    assert message["Message-ID"] == f"<{delivery.uuid}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines()[:6:2] == [
        "drift alert on fraud v7 in production", "Columns: amount", LINK
    ]  # fmt: skip
    assert one().state == "delivered"


def test_what_was_logged_adds_no_header(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="ada@example.org")
    tell(title=EVIL, text=EVIL)

    work()

    ((recipients, message),) = mail_server.taken
    assert recipients == ["ada@example.org"]
    assert message["Bcc"] is None
    assert "Bcc: mallory@evil.example" in message["Subject"]


def test_a_mail_server_that_asks_to_wait_is_asked_again(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="ada@example.org")
    mail_server.refusals = {"DATA": "452 disk full"}
    tell()
    work()
    assert (one().state, one().detail) == ("pending", "452 disk full")

    mail_server.refusals = {}
    work(60)

    assert one().state == "delivered"


@pytest.mark.parametrize(
    ("verb", "state"), [("DATA", "failed"), ("MAIL", "failed"), ("EHLO", "pending"), ("AUTH", "delivered")]
)
def test_a_mail_server_that_refuses_is_not_asked_again(make_subscription, tell, work, mail_server, verb, state):
    """What a setting could mend is tried again; what the message itself brings about is not."""
    make_subscription(kind="email", target="ada@example.org")
    mail_server.refusals = {verb: "554 policy"} | ({"HELO": "554 policy"} if verb == "EHLO" else {})
    tell()

    work()

    assert one().state == state
    assert "policy" in one().detail or state == "delivered"


def test_some_recipients_are_better_than_none(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="ada@example.org, gone@example.org")
    mail_server.unknown = {"gone@example.org"}
    tell()

    work()

    assert one().state == "delivered"
    assert Attempt.objects.get().answer == "Left out: g…@example.org: 550 no such user"


def test_no_recipient_at_all_is_a_refusal(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="gone@example.org")
    mail_server.unknown = {"gone@example.org"}
    tell()

    work()

    assert (one().state, mail_server.taken) == ("failed", [])


def test_a_farewell_that_fails_fails_nothing(make_subscription, tell, work, mail_server):
    make_subscription(kind="email", target="ada@example.org")
    mail_server.refusals = {"QUIT": "421 too late"}
    tell()

    work()

    assert one().state == "delivered"


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_mail_goes_over_tls_with_a_password(make_subscription, tell, work, settings, tmp_path, monkeypatch, scheme):
    certificate = make_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with closing(MailServer(certificate=certificate, tls_from_the_start=scheme == "smtps")) as server:
        settings.SMTP_URL = f"{scheme}://{server.user}:{quote(server.password, safe='')}@127.0.0.1:{server.port}"
        make_subscription(kind="email", target="ada@example.org")
        tell()
        work()

    assert one().state == "delivered", one().detail
    assert (server.signed_in, len(server.taken)) == ([True], 1)


def test_a_mail_server_with_a_foreign_certificate_gets_no_password(
    make_subscription, tell, work, settings, tmp_path, later
):
    certificate = make_certificate(tmp_path / "mail.pem")
    with closing(MailServer(certificate=certificate)) as server:
        settings.SMTP_URL = f"smtp+starttls://lineal:canary@127.0.0.1:{server.port}"
        make_subscription(kind="email", target="ada@example.org")
        tell()
        work()

    assert one().state == "pending"
    assert "CERTIFICATE_VERIFY_FAILED" in one().detail
    assert server.signed_in == []


def test_a_server_without_starttls_gets_no_password(make_subscription, tell, work, mail_server, settings):
    settings.SMTP_URL = f"smtp+starttls://lineal:canary@127.0.0.1:{mail_server.port}"
    make_subscription(kind="email", target="ada@example.org")
    tell()

    work()

    assert (one().state, mail_server.signed_in, mail_server.taken) == ("pending", [], [])


def test_a_server_whose_mail_is_taken_away_says_so(make_subscription, tell, work, mail_server, settings):
    make_subscription(kind="email", target="ada@example.org")
    settings.SMTP_URL = ""
    tell()

    work()

    assert one().state == "failed"
    assert "LINEAL_SMTP_URL" in one().detail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail", ("smtp", "mail", 25, "", "")),
        ("smtps://mail", ("smtps", "mail", 465, "", "")),
        ("smtp+starttls://u:p%40ss%3A%2F@mail", ("smtp+starttls", "mail", 587, "u", "p@ss:/")),
        ("smtp://[::1]:2525/", ("smtp", "::1", 2525, "", "")),
    ],
)
def test_the_address_of_a_mail_server_is_read(url, expected):
    server = mail.parse_server(url)

    assert (server.scheme, server.host, server.port, server.user, server.password) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail:25",
        "http://mail",
        "smtp://",
        "smtp://u@mail",
        "smtp://u:canary",
        "smtp://mail/x",
        "smtp://mail?x=1",
        "smtp://u:canary%C3%B6@mail",
    ],
)
def test_a_wrong_address_of_a_mail_server_is_refused_without_showing_it(url, monkeypatch):
    from config import environment

    monkeypatch.setenv("LINEAL_SMTP_URL", url)

    with pytest.raises(environment.BadSetting) as refused:
        environment.mail_server("LINEAL_SMTP_URL")

    assert str(refused.value).startswith("LINEAL_SMTP_URL: expected")
    assert "canary" not in str(refused.value)
    assert "canary" not in repr(mail.MailServer("smtp", "mail", 25, "u", "canary"))
