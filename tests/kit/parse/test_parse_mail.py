"""E-mails: headers as lines, one body, and the names of what is attached."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse import ParsedDocument, parse

HEAD = b"From: a@example.org\nSubject: Pump P-12\n"


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "Jürg Müller <j@example.org>", "a@example.org, b@example.org"
    made["Date"], made["Subject"] = "Wed, 01 May 2024 14:30:00 +0200", "Störung an Pumpe P-12"
    return made


def read(tmp_path: Path, made: EmailMessage | bytes) -> ParsedDocument:
    (tmp_path / "a.eml").write_bytes(made if isinstance(made, bytes) else bytes(made))
    return parse(tmp_path / "a.eml")


def texts(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(b.kind, document.text[b.start : b.end]) for b in document.blocks]


def test_headers_are_lines_and_metadata_and_quoted_lines_are_quotes(tmp_path: Path) -> None:
    made = message()
    made.set_content("Guten Tag,\n\ndie Pumpe steht.\n\n> Wann war das?\n> Heute früh.\nUm sechs.\n")
    document = read(tmp_path, made)
    head = (
        "From: Jürg Müller <j@example.org>\nTo: a@example.org, b@example.org\nDate: 2024-05-01 14:30+02:00\n"
        "Subject: Störung an Pumpe P-12"
    )
    assert texts(document) == [
        ("paragraph", head),
        ("paragraph", "Guten Tag,"),
        ("paragraph", "die Pumpe steht."),
        ("quote", "Wann war das?\nHeute früh."),
        ("paragraph", "Um sechs."),
    ]
    assert document.title == "Störung an Pumpe P-12"
    assert document.metadata["date"] == date(2024, 5, 1)
    assert document.metadata["from"] == "Jürg Müller <j@example.org>"
    assert document.notes == ()


def test_of_alternatives_the_plain_one_is_read_and_attachments_are_named(tmp_path: Path) -> None:
    made = message()
    made.set_content("Plain words.")
    made.add_alternative("<p>Other words.</p>", subtype="html")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Prüfbericht.pdf")
    made.add_attachment("secret,1", subtype="csv", filename="a.csv")
    forwarded = message()
    forwarded.set_content("Inner words.")
    made.add_attachment(forwarded)
    document = read(tmp_path, made)
    assert [text for _, text in texts(document)][1:] == ["Plain words."]
    assert document.notes == (
        "attachments are not read: Prüfbericht.pdf (application/pdf), a.csv (text/csv), "
        "Störung an Pumpe P-12 (message/rfc822); save what should be found beside it",
    )


@pytest.mark.parametrize("plain", [None, " \n"])
def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path, plain: str | None) -> None:
    made = message()
    page = "<style>p {}</style><p>Words</p><table><tr><td>Pump</td><td>P-12</td></tr></table>"
    if plain is None:
        made.set_content(page, subtype="html")
    else:
        made.set_content(plain)
        made.add_alternative(page, subtype="html")
    assert texts(read(tmp_path, made))[1:] == [("paragraph", "Words"), ("row", "Pump | P-12")]


def test_all_inline_texts_of_a_message_are_read_in_order(tmp_path: Path) -> None:
    part = b"--b\nContent-Type: text/plain\n\n%s\n"
    body = b"".join(part % text for text in (b"first", b"second")) + b"--b--\n"
    document = read(tmp_path, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + body)
    assert [text for _, text in texts(document)][1:] == ["first", "second"]


@pytest.mark.parametrize("charset", [b"x-none", b"utf-8", b"us-ascii"])
def test_a_charset_that_is_wrong_is_noted_and_the_words_are_read(tmp_path: Path, charset: bytes) -> None:
    document = read(tmp_path, HEAD + b"Content-Type: text/plain; charset=%s\n\nGr\xfc\xdfe aus K\xf6ln\n" % charset)
    assert document.text.endswith("Grüße aus Köln")
    assert document.notes[0] == f"its text is not in {charset.decode()}, as it says"


@pytest.mark.parametrize(("charset", "words"), [("iso-2022-jp", "安全"), ("gb2312", "安全"), ("koi8-r", "Насос")])
def test_a_charset_that_is_right_is_taken(tmp_path: Path, charset: str, words: str) -> None:
    made = message()
    made.set_content(words, charset=charset)
    document = read(tmp_path, made)
    assert document.text.endswith(f"\n\n{words}")
    assert document.notes == ()


def test_names_in_plain_utf8_are_read_and_malformed_headers_stand_as_they_are(tmp_path: Path) -> None:
    document = read(tmp_path, "From: Jürg <j@example.org>\nSubject: =?x?b?!!?=\nDate: soon\n\nText.".encode())
    assert document.text.startswith("From: Jürg <j@example.org>\nDate: soon\nSubject: =?x?b?!!?=")
    assert document.notes == ("Date is 'soon', which is not a date",)
    many = b", ".join(b"user%d@example.org" % n for n in range(100_000))
    document = read(tmp_path, b"From: a@example.org\nTo: " + many + b"\n\nText.")
    assert 3_900 < len(document.text) < 4_100
    assert document.text.endswith("\n\nText.")
    assert document.notes == ("To was cut after 4,000 characters",)


def test_what_cannot_be_read_of_a_message_is_said(tmp_path: Path) -> None:
    encrypted = b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\n\nMIIB\n'
    assert "it is encrypted" in read(tmp_path, HEAD + encrypted).notes[0]
    assert read(tmp_path, HEAD + b"\n").notes == ("it has no text of its own",)
    unbounded = read(tmp_path, HEAD + b"Content-Type: multipart/mixed\n\nStill words.\n")
    assert unbounded.text.endswith("\n\nStill words.")


@pytest.mark.parametrize(
    "opening", ["Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n", "Content-Type: message/rfc822\n\n"]
)
def test_messages_hundreds_deep_are_read_or_refused(tmp_path: Path, opening: str) -> None:
    for depth, is_read in ((300, True), (5_000, False)):
        nested = HEAD + "".join(opening.format(n=n) for n in range(depth)).encode() + b"\nwords\n"
        if is_read:
            assert read(tmp_path, nested).title == "Pump P-12"
        else:
            with pytest.raises(DocumentError, match=r"a\.eml holds messages inside messages.*Save the innermost"):
                read(tmp_path, nested)


def test_what_is_no_email_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"has no headers of an e-mail\. Save it anew"):
        read(tmp_path, b"Dear all,\nthe pump stands still: see below.\n")
    with pytest.raises(DocumentError, match="is a PDF and not an e-mail"):
        read(tmp_path, b"%PDF-1.7\n")
    with pytest.raises(DocumentError, match="more than 1,000 parts"):
        read(tmp_path, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 2_000)
