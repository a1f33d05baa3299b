"""What a text says there is, by phrases of several languages; what it denies is none of it."""

from __future__ import annotations

import pytest

from sectorkit.errors import SectorkitError
from sectorkit.mentions import Mentions, folded

MENTIONS = Mentions(
    {
        "chest pain": {
            "en": ["chest (pain*|tight*)", "pain* .. chest"],
            "es": ["dolor .. pecho"],
            "fr": ["douleur* .. (poitrine|thorax)"],
            "zh": ["胸(口|部)?(痛|疼|闷)"],
            "ar": ["الم .. صدر*"],
        },
        "breathless": {"en": ["trouble breathing", "can't breathe"], "zh": ["呼吸困难"], "fr": ["essouffle*"]},
        "vomiting": {"en": ["vomit*", "been sick"], "es": ["vomit*"], "zh": ["呕吐"]},
        "fever": {"en": ["fever"], "es": ["fiebre"], "fr": ["fievre"], "zh": ["发烧"], "ar": ["حمي"]},
        "collapse": {"en": ["pass* out"]},
        "no pulse": {"en": ["no pulse"]},
        "overdose": {"en": ["took # (pills|tablets)"]},
        "x-ray": {"en": ["x~ray"]},
        "my head": {"en": ["(my)? head hurts (badly)?"]},
    }
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A pain in my chest since noon", {"chest pain"}),
        ("PAIN all over the CHEST", {"chest pain"}),
        ("No fever, but a pain in my chest", {"chest pain"}),
        ("no chest pain, trouble breathing or fever. Vomiting for two days", {"vomiting"}),
        ("no fever, he has chest pain", {"chest pain"}),
        ("No, he has chest pain", {"chest pain"}),
        ("denies chest pain, vomiting; fever: no", set()),
        ("I can't stop vomiting and can’t breathe", {"vomiting", "breathless"}),
        ("no relief from the chest pain", {"chest pain"}),
        ("Didnt pass out, not been sick", set()),
        ("didn't pass out but vomited", {"vomiting"}),
        ("He has no pulse", {"no pulse"}),
        ("My father died of chest pain, I have a fever", {"fever"}),
        ("Tengo dolor fuerte en el pecho, sin fiebre", {"chest pain"}),
        ("Sin dolor de pecho ni fiebre", set()),
        ("Douleur dans la poitrine, pas de fièvre", {"chest pain"}),
        ("J'ai de la fièvre, sans essoufflement", {"fever"}),
        ("没有发烧，胸口疼", {"chest pain"}),
        ("无胸痛、呼吸困难，呕吐两天", {"vomiting"}),
        ("不发烧", set()),
        ("عندي ألم شديد في صدري ولا يوجد حمى", {"chest pain"}),
        ("لَدَيَّ حُمَّى", {"fever"}),
        ("took 32 tablets an hour ago", {"overdose"}),
        ("took 2 tablets an hour ago", set()),
        ("an X-ray, an xray, an x ray", {"x-ray"}),
        ("head hurts", {"my head"}),
        ("Fever since Monday. No pain in the chest.", {"fever"}),
        ("no fever, chest pain", {"chest pain"}),
        ("no fever, can't breathe", {"breathless"}),
        ("no fever, chest pain or vomiting", set()),
        ("denies fever, vomiting, passed out", {"collapse"}),
        ("no fever he has chest pain", {"chest pain"}),
        ("no chest pain when he is vomiting", set()),
        ("no fever until he had chest pain", {"fever", "chest pain"}),
        ("I can't say that I have no chest pain", {"chest pain"}),
        ("I don't feel well my chest hurts and I vomit", {"vomiting"}),
        ("I never had such chest pain", {"chest pain"}),
        ("I haven't had chest pain like this before", {"chest pain"}),
        ("no chest pain, just vomiting", {"vomiting"}),
        ("no longer vomiting", set()),
        ("rule out chest pain", {"chest pain"}),
        ("chest pain was ruled out, ruled out fever", {"chest pain"}),
        ("no puedo negar que tengo fiebre", {"fever"}),
        ("", set()),
    ],
)
def test_what_is_said_and_what_is_denied(text: str, found: set[str]) -> None:
    assert set(MENTIONS.of(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("can't breathe through my nose", {"blocked nose"}),
        ("can't breathe through my nose, and I can't breathe at all", {"blocked nose", "breathless"}),
        ("can't breathe", {"breathless"}),
        ("sepsis", {"sepsis"}),
        ("history of sepsis, now vomiting", {"vomiting"}),
        ("2 day history of sepsis", {"sepsis"}),
        ("prior to arrival: sepsis", {"sepsis"}),
        ("sepsis three years ago", set()),
        ("sepsis now, and three years ago", {"sepsis"}),
        ("sepsis in 2019; vomiting", {"vomiting"}),
        ("history of vomiting", {"vomiting"}),
        ("hace 3 años sepsis", set()),
        ("三年前败血症", set()),
    ],
)
def test_what_sounds_like_a_thing_and_what_was_one_long_ago(text: str, found: set[str]) -> None:
    things = {
        "breathless": {"en": ["can't breathe"]},
        "blocked nose": {"en": ["can't breathe (well)? through (my)? nose"]},
        "sepsis": {"en": ["sepsis"], "zh": ["败血症"]},
        "vomiting": {"en": ["vomit*"]},
    }
    mentions = Mentions(things, {"blocked nose": ["breathless"]}, ["sepsis"])
    assert set(mentions.of(text)) == found
    assert mentions.of(text, folded(text)) == mentions.of(text)


def test_a_mention_has_the_words_as_they_were_written_and_their_place() -> None:
    text = "Fièvre? Oui. J'ai une DOULEUR à la Poitrine."
    (mention,) = MENTIONS.of(text)["chest pain"]
    assert mention.words == "DOULEUR à la Poitrine" == text[mention.start : mention.end]


def test_two_words_of_a_phrase_are_not_looked_for_across_sentences() -> None:
    assert not MENTIONS.of("No pain. The chest is in the attic.")


@pytest.mark.parametrize("phrase", ["", "..", "pain ..", ".. pain", "(pain", "pain)", "(|pain)", "pain?", "*"])
def test_a_phrase_that_cannot_be_read_is_named(phrase: str) -> None:
    with pytest.raises(SectorkitError, match="chest pain, en"):
        Mentions({"chest pain": {"en": [phrase]}})


def test_folding_keeps_places() -> None:
    plain, places = folded("Élan, didn’t")
    assert plain == "elan, didnt"
    assert len(places) == len(plain)
    assert places[-1] == len("Élan, didn’t") - 1


@pytest.mark.parametrize(
    "text",
    [
        "No puede respirar y le duele el pecho: dolor en el pecho", "Il ne peut plus dormir et une douleur dans la poitrine", "毫无征兆，胸口疼",
        "没多久就胸口疼", "没有力气、胸口疼", "不停呕吐", "不仅发烧", "无明显诱因出现胸痛", "vomita sin parar", "بدون سبب ألم في صدري", "لم ينم من ألم في صدره",
    ],
)  # fmt: skip
def test_words_of_denial_that_deny_something_else(text: str) -> None:
    assert MENTIONS.of(text)


@pytest.mark.parametrize(
    "text",
    ["不呕吐", "否认胸痛", "没有发烧", "لا ألم في الصدر", "ما عندهاش حمى", "مفيش حمى", "niega fiebre y dolor de pecho", "n'a pas de fièvre", "pas d'essoufflement", "sans fièvre"],
)  # fmt: skip
def test_denials_in_four_languages(text: str) -> None:
    assert not MENTIONS.of(text)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("I have a headache. No fever and no stiff neck.", "I have a headache."),
        ("I don't have chest pain but my arm hurts", "I my arm hurts"),
        ("No tengo fiebre, me duele la cabeza", "me duele la cabeza"),
        ("没有发烧，头很痛", "没，头很痛"),
        ("He is not breathing", "He is not breathing"),
        ("", ""),
    ],
)
def test_what_is_denied_is_left_out_of_a_text(said: str, left: str) -> None:
    things = {
        "fever": {"en": ["fever"], "es": ["fiebre"], "zh": ["发烧"]},
        "stiff neck": {"en": ["stiff neck"]},
        "chest pain": {"en": ["chest pain"]},
    }
    things |= {
        "not breathing": {"en": ["not breathing"]},
        "headache": {"en": ["headache"], "es": ["duele la cabeza"], "zh": ["头很痛"]},
    }
    assert Mentions(things).affirmed(said) == left


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no meds chest pain", True), ("no known allergies chest pain", True), ("no history of heart trouble chest pain", True), ("sin alergias dolor en el pecho", True),
        ("no history of chest pain", False), ("no meds, no chest pain", False), ("chest pain - no, cough - no", False), ("chest pain - no relief", True), ("chest pain: none", False),
        ("never been so ill, chest pain", True), ("it's not as if I have no chest pain", True), ("no es que no tenga dolor en el pecho", True), ("ce n'est pas que je n'ai pas de douleur dans la poitrine", True),
        ("denies chest pain, says it is his back", False), ("denies fever, reports chest pain", True), ("nunca he tenido tanto dolor en el pecho", True), ("nunca he tenido dolor en el pecho", False),
    ],
)  # fmt: skip
def test_where_a_denial_ends_and_what_turns_it_round(text: str, found: bool) -> None:
    assert ("chest pain" in MENTIONS.of(text)) == found


@pytest.mark.parametrize(
    ("text", "found"), [("took 24 tablets", True), ("took 500 mg tablets", False), ("took 500mg tablets", False), ("took 30 500 mg tablets", True), ("took 9 tablets", False)]
)  # fmt: skip
def test_a_number_of_things_is_none_of_milligrams(text: str, found: bool) -> None:
    assert ("overdose" in Mentions({"overdose": {"en": ["took .. # .. tablets"]}}).of(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("hx HTN, DM, sepsis on CT", True), ("hx of sepsis, DM", False), ("hx HTN, acute sepsis", True), ("PMH: sepsis. Here for a toe", False), ("hx HTN, DM, sepsis", True)],
)  # fmt: skip
def test_history_ends_where_a_finding_is_told(text: str, found: bool) -> None:
    assert ("sepsis" in Mentions({"sepsis": {"en": ["sepsis"]}}, {}, ["sepsis"]).of(text)) == found
