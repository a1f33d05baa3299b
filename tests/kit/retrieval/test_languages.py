"""Questions in each language that inflect, join, split or respell the words of the document that answers them."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.documents import Document

from sectorkit.retrieval.lexical import LexicalIndex
from sectorkit.retrieval.words import fold, pieces, words

# Of each language: four short documents, and questions with the number of the document that answers.
LANGUAGES: dict[str, tuple[tuple[str, str, str, str], dict[str, int]]] = {
    "ar": (
        (
            "تصدر البلدية رخصة البناء خلال ثلاثين يوما من تقديم الطلب.",
            "يدفع المستأجر مبلغ تأمين لا يتجاوز إيجار شهرين.",
            "تُجمع النفايات المنزلية كل يوم ثلاثاء صباحا.",
            "يجب تسجيل المولود في مكتب الأحوال المدنية.",
        ),
        {
            "متى أحصل على الرخصة لبناء بيت؟": 0,
            "هل يسترد المستأجرون التأمين؟": 1,
            "متى يتم جمع نفاياتنا؟": 2,
            "كيف أسجّل مـــولودا جديدا؟": 3,
        },
    ),
    "de": (
        (
            "Die Abfalltonnen werden jeden zweiten Dienstag geleert.",
            "Wer seinen Wohnsitz wechselt, meldet sich binnen zwei Wochen an.",
            "Gebührenbescheide werden im Januar verschickt.",
            "Das Straßenfest beginnt um zehn Uhr.",
        ),
        {
            "Wann kommt die Leerung der Tonne?": 0,
            "Anmeldung einer neuen Wohnung": 1,
            "Wann kommt der Bescheid ueber die Gebuehr?": 2,
            "FESTE AUF DER STRASSE": 3,
        },
    ),
    "el": (
        (
            "Η άδεια οικοδομής εκδίδεται σε τριάντα ημέρες.",
            "Τα απορρίμματα συλλέγονται κάθε Τρίτη.",
            "Ο φόρος ακινήτων πληρώνεται τον Ιούνιο.",
            "Τα σχολεία ανοίγουν τον Σεπτέμβριο.",
        ),
        {"ΑΔΕΙΕΣ ΟΙΚΟΔΟΜΩΝ": 0, "συλλογή των απορριμμάτων": 1, "Πότε πληρώνουμε φόρους;": 2, "σχολείο": 3},
    ),
    "es": (
        (
            "Las solicitudes de empadronamiento se presentan en el ayuntamiento.",
            "La fianza no puede superar dos mensualidades de alquiler.",
            "Los residuos se recogen los martes.",
            "Queda prohibido aparcar delante de la escuela.",
        ),
        {
            "¿Cómo puedo empadronarme?": 0,
            "¿Cuánto es la fianza si alquilo un piso?": 1,
            "recogida de un residuo peligroso": 2,
            "¿Puedo aparcarlo junto a las escuelas?": 3,
        },
    ),
    "fi": (
        (
            "Rakennuslupa myönnetään kolmenkymmenen päivän kuluessa.",
            "Jäteastiat tyhjennetään joka toinen tiistai.",
            "Lapsi ilmoitetaan kouluun helmikuussa.",
            "Vuokravakuus on enintään kahden kuukauden vuokra.",
        ),
        {
            "Miten saan luvan rakentamiseen?": 0,
            "jätteiden tyhjennys": 1,
            "Milloin lapset ilmoittautuvat koululle?": 2,
            "vakuuksien palautus": 3,
        },
    ),
    "fr": (
        (
            "L'habitation doit être déclarée à la mairie.",
            "Les ordures ménagères sont collectées le mardi.",
            "Le dépôt de garantie n'excède pas deux mois de loyer.",
            "Les inscriptions à l'école ont lieu en mars.",
        ),
        {
            "Que faut-il pour déclarer d’habitations neuves ?": 0,
            "La collecte d'ordure est quel jour ?": 1,
            "garanties et loyers": 2,
            "Comment s’inscrire aux ÉCOLES ?": 3,
        },
    ),
    "he": (
        (
            "הרישיון לבנייה יינתן בתוך שלושים יום.",
            "האשפה נאספת בכל יום שלישי.",
            "הורים ירשמו את ילדיהם לבית־הספר עד ינואר.",
            "שוכר ישלם פיקדון של חודשיים.",
        ),
        {"מתי מקבלים רשיונות בנייה?": 0, "איסוף אשפה": 1, "רישום לְבֵית סֵפֶר": 2, "החזר הפיקדונות לשוכרים": 3},
    ),
    "hi": (
        (
            "भवन निर्माण की अनुमति तीस दिन में दी जाती है।",
            "कचरा हर मंगलवार को उठाया जाता है।",
            "विद्यालयों में प्रवेश अप्रैल में होता है।",
            "किराएदार को दो महीने का किराया जमा करना होगा।",
        ),
        {"भवनों के निर्माण का नियम": 0, "कचरे को कब उठाते हैं": 1, "विद्यालय का प्रवेश कहाँ": 2, "किराये के महीनों की जमा": 3},
    ),
    "it": (
        (
            "La tassa sui rifiuti si paga entro giugno.",
            "L'ufficio anagrafe rilascia la carta d'identità.",
            "Le autorizzazioni edilizie richiedono trenta giorni.",
            "L'iscrizione alla scuola si chiude a gennaio.",
        ),
        {
            "Quali tasse si pagano per un rifiuto?": 0,
            "Dove sono gli uffici dell’anagrafe?": 1,
            "autorizzazione per l'edilizia": 2,
            "iscrivere i figli alle scuole": 3,
        },
    ),
    "ja": (
        (
            "建築許可は申請から三十日以内に交付されます。",
            "燃えるごみは毎週火曜日に収集します。",
            "転入した人は十四日以内に届け出なければなりません。",
            "駐車場の利用にはパーキングカードが必要です。",
        ),
        {
            "建築の許可をもらうには": 0,
            "ごみの収集日はいつですか": 1,
            "転入届の出し方": 2,
            "ﾊﾟｰｷﾝｸﾞの利用ｶｰﾄﾞ": 3,
        },
    ),
    "ko": (
        (
            "건축허가는 신청일부터 삼십 일 이내에 발급한다.",
            "생활폐기물은 매주 화요일에 수거합니다.",
            "전입신고를 십사 일 안에 해야 한다.",
            "보증금은 두 달 치 임대료를 넘을 수 없다.",
        ),
        {"건축의 허가를 받으려면?": 0, "폐기물 수거일이 언제예요?": 1, "전입을 신고하는 방법": 2, "임대인이 받는 보증금의 한도": 3},
    ),
    "ru": (
        (
            "Разрешение на строительство выдаётся в течение тридцати дней.",
            "Мусор вывозят каждый вторник.",
            "Залог не превышает двух месячных платежей за квартиру.",
            "Заявления в школу принимают с апреля.",
        ),
        {
            "Как получить разрешения для строительства?": 0,
            "вывоз мусора": 1,
            "Когда мне вернут залоги за квартиры?": 2,
            "подать заявление в школы": 3,
        },
    ),
    "th": (
        (
            "ใบอนุญาตก่อสร้างออกให้ภายในสามสิบวัน",
            "เทศบาลเก็บขยะทุกวันอังคาร",
            "ผู้เช่าวางเงินประกันไม่เกินสองเดือน",
            "เด็กต้องเข้าโรงเรียนเมื่ออายุหกปี",
        ),
        {
            "ขออนุญาตสร้างบ้านต้องทำอย่างไร": 0,
            "ขยะเก็บวันไหน": 1,
            "ค่าประกันของการเช่าบ้าน": 2,
            "อายุเท่าไรจึงเข้าเรียน": 3,
        },
    ),
    "tr": (
        (
            "İnşaat ruhsatı otuz gün içinde verilir.",
            "Çöpler her salı toplanır.",
            "Kiracı iki aylık depozito öder.",
            "Okul kayıtları eylülde başlar.",
        ),
        {
            "INSAAT RUHSATLARI NASIL ALINIR": 0,
            "çöpün toplanması": 1,
            "Kiracıların depozitosu ne kadar?": 2,
            "okula kaydolmak": 3,
        },
    ),
    "uk": (
        (
            "Дозвіл на будівництво видають протягом тридцяти днів.",
            "Сміття вивозять щовівторка.",
            "Застава не перевищує двох місячних платежів за житло.",
            "Заяви до школи приймають із квітня.",
        ),
        {
            "Як отримати дозволи для будівництв?": 0,
            "вивезення сміттям": 1,
            "повернення застави за їхнє житлове приміщення": 2,
            "подати заяву в школах": 3,
        },
    ),
    "vi": (
        (
            "Giấy phép xây dựng được cấp trong ba mươi ngày.",
            "Rác thải sinh hoạt được thu gom vào thứ ba.",
            "Tiền đặt cọc không quá hai tháng tiền thuê nhà.",
            "Đường phố bị cấm đỗ xe vào ban đêm.",
        ),
        {"giay phep xay nha": 0, "THU GOM RÁC": 1, "dat coc thue nha": 2, "duong nao cam do xe": 3},
    ),
    "zh": (
        (
            "建设工程规划许可证自受理之日起三十日内核发。",
            "生活垃圾每周二收运。",
            "押金不得超过两个月租金。",
            "ＶＬＭ補助金按季度发放。",
        ),
        {"盖房子要办许可证吗": 0, "垃圾什么时候来收": 1, "房东退押金的期限": 2, "VLM补助多久发一次": 3},
    ),
    "zh-Hant": (
        (
            "建築執照自受理之日起三十日內核發。",
            "家戶垃圾每週二收運。",
            "押金不得超過兩個月租金。",
            "學童應於六歲入學。",
        ),
        {"申請建築的執照": 0, "垃圾何時收": 1, "退還押金": 2, "幾歲入學": 3, "学童几岁入学": 3, "两个月的押金": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "question", "right"),
    [(language, question, right) for language, (_, asked) in LANGUAGES.items() for question, right in asked.items()],
)
def test_a_question_finds_its_document_in_other_forms_of_its_words(
    tmp_path: Path, language: str, question: str, right: int
) -> None:
    index = LexicalIndex(tmp_path)
    texts, _ = LANGUAGES[language]
    index.update(add=[Document(id=str(n), page_content=text) for n, text in enumerate(texts)])
    (best, score), *others = index.search(question, 4)
    assert best == str(right)
    assert all(score > other for _, other in others)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ISPARTA ışık", "ısparta IŞIK"),
        ("οδός", "ΟΔΟΣ"),
        ("đường", "ĐUONG"),
        ("Straße œuvre Łódź", "STRASSE OEUVRE LODZ"),
        ("Regi\u00adstrierung", "Registrierung"),
        ("مـــدّة", "مدة"),
        ("الى کتاب", "الي كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("हाँ ज़रूर १२", "हां जरूर 12"),
        ("ﾊﾟｰﾃｨｰ", "パーティー"),
        ("稅務機關", "税务机关"),
        ("ё", "е"),
        ("등록", "\u1103\u1173\u11bc\u1105\u1169\u11a8"),
    ],
)
def test_two_spellings_of_a_word_are_one_term(one: str, other: str) -> None:
    assert words(one) == words(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [("がく", "かく"), ("バス", "パス"), ("ทุก", "ทก"), ("ใกล้", "ใกล"), ("नियम", "नयम"), ("தமிழ்", "தமழ")],
)
def test_signs_that_make_another_word_are_kept(one: str, other: str) -> None:
    assert words(one) != words(other)


def test_indic_words_are_whole() -> None:
    assert words("विश्वविद्यालय के नियम") == ["विश्वविद्यालय", "के", "नियम"]
    assert words("தமிழ்நாடு অনুমতি") == ["தமிழ்நாடு", "অনুমতি"]


def test_a_latin_name_inside_unspaced_text_is_a_word_of_its_own() -> None:
    assert words("某ABC公司的VLM补贴") == ["某", "abc", "公司", "司的", "vlm", "补贴"]


def test_pieces_are_four_letters_or_single_signs_and_join_spellings_of_an_umlaut() -> None:
    assert pieces("night 12,500 is") == ["_nig", "nigh", "ight", "ght_", "12500", "is"]
    assert pieces("押金 등록") == ["押", "金", "등", "록"]
    assert pieces("Gebühr") == pieces("Gebuehr")
    assert pieces("ขยะมูล") == ["ขยะม", "ยะมู", "ะมูล"]


def test_folding_twice_changes_nothing() -> None:
    for texts, asked in LANGUAGES.values():
        for text in (*texts, *asked):
            assert fold(fold(text)) == fold(text)
