"""How a notice is written."""

from pathlib import Path

from addon.notifications.message import TEMPLATES, english_number, render_message, swedish_number

TO = ("it@storvik.example",)


def test_swedish_comes_first_and_english_below() -> None:
    message = render_message(TO, "Prov", "test", organisation="Storviks kommun")
    assert message.text.index("Det här är ett prov") < message.text.index("This is a test")
    assert message.html is not None
    assert message.html.index("Det här är ett prov") < message.html.index("This is a test")
    assert '<html lang="sv">' in message.html
    assert '<div lang="en">' in message.html


def test_what_stands_in_html_is_text_and_not_html() -> None:
    message = render_message(TO, "Prov & <prov>", "test", organisation="<b>Storviks</b> & co")
    assert message.html is not None
    assert "&lt;b&gt;Storviks&lt;/b&gt; &amp; co" in message.html
    assert "<title>Prov &amp; &lt;prov&gt;</title>" in message.html
    assert "<b>Storviks</b> & co" in message.text


def test_a_subject_is_one_line() -> None:
    message = render_message(TO, "Spärr hos\nBcc: x@y.example", "test", organisation="Storvik")
    assert message.subject == "Spärr hos Bcc: x@y.example"


def test_numbers_are_written_as_each_language_does() -> None:
    assert swedish_number(11204) == "11\N{NO-BREAK SPACE}204"
    assert swedish_number(412) == "412"
    assert swedish_number(2.5) == "2,5"
    assert english_number(11204) == "11,204"
    assert english_number(2.5) == "2.5"


def test_messages_fetch_nothing_from_anywhere() -> None:
    html = Path(TEMPLATES / "message.html").read_text("utf-8")
    for sign in ("src=", "<link", "<script", "url("):
        assert sign not in html
