"""What a list can say about an establishment, and the headings under which people write it."""

import re
import unicodedata
from enum import StrEnum


class ListField(StrEnum):
    """One fact that a column can hold."""

    REGISTRATION_NO = "registration_no"
    NAME_TH = "name_th"
    NAME_EN = "name_en"
    ADDRESS = "address"
    PROVINCE = "province"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    CONTACT_NAME = "contact_name"
    EMAIL = "email"
    PHONE = "phone"
    LANGUAGE = "language"


_LONGEST_HEADING = 120
_NUMBER = re.compile(r"\d{3}")

_SITE_TH = "(?:โรงงาน|สถานประกอบการ|สถานประกอบกิจการ|บริษัท|กิจการ|หน่วยงาน|ผู้ประกอบการ|ผู้ประกอบกิจการ)"
_SITE_EN = (
    "(?:factory|company|establishment|site|plant|facility|business|organi[sz]ation|firm|enterprise)"
)

# Tried in this order, so that "contact phone" is a phone and "site e-mail" an e-mail address. A heading is
# compared without spaces, punctuation and case. Words that also begin ordinary cells (จังหวัดชลบุรี,
# บริษัท ตัวอย่าง จำกัด) are anchored, because the same patterns tell where the headings are.
_PATTERNS: tuple[tuple[ListField, str], ...] = (
    (ListField.EMAIL, "e?mail|อีเมล|อีเมล์|ไปรษณีย์อิเล็กทรอนิกส์|จดหมายอิเล็กทรอนิกส์"),
    (
        ListField.PHONE,
        "phone|mobile|^tel(?:no|number)?$|^โทร$|โทรศัพท์|เบอร์โทร|เบอร์ติดต่อ|เบอร์มือถือ|มือถือ$",
    ),
    (ListField.LANGUAGE, "^lang(?:uage)?$|preferredlanguage|^ภาษา$|ภาษาที่ใช้|ภาษาที่ต้องการ"),
    (ListField.LATITUDE, "latitude|ละติจูด|^lat$|^gpslat$|พิกัดlat$|^พิกัดy$"),
    (
        ListField.LONGITUDE,
        "longitude|ลองจิจูด|ลองติจูด|^lon$|^lng$|^long$|^gpslon$|พิกัดlon?n?g?$|^พิกัดx$",
    ),
    (
        ListField.REGISTRATION_NO,
        "ทะเบียนโรงงาน|เลข(?:ที่)?ทะเบียน(?!นิติบุคคล|พาณิชย์|ภาษี|การค้า|รถ|บ้าน)|ทะเบียนเลขที่|เลขที่ใบอนุญาต"
        "|registration(?:no|num|number|id)|^regno$|^registration$|factory(?:reg|no|number|id)"
        "|licen[cs]e(?:no|number)",
    ),
    (
        ListField.PROVINCE,
        f"^(?:ชื่อ|รหัส)?จังหวัด(?:ที่ตั้ง)?(?:{_SITE_TH})?(?:province)?$|^(?:{_SITE_EN})?province(?:code|name|จังหวัด)?$"
        "|^changwat$",
    ),
    (
        ListField.CONTACT_NAME,
        "ผู้ติดต่อ|ผู้ประสานงาน|ผู้เข้าร่วม|ผู้เข้าอบรม|ผู้แทน|ชื่อ(?:และ)?(?:นาม)?สกุล|contact|attendee|participant"
        "|coordinator|^fullname$|^ติดต่อ$",
    ),
    (
        ListField.NAME_EN,
        "^ชื่อ.*(?:อังกฤษ|english|eng?)$|^name(?:in)?(?:en|eng|english)$|^english(?:name|company)"
        f"|^(?:{_SITE_EN})(?:name)?(?:in)?(?:en|eng|english)$|^ชื่ออังกฤษ",
    ),
    (
        ListField.NAME_TH,
        f"^(?:ราย)?ชื่อ(?:ของ)?{_SITE_TH}(?:ไทย|ภาษาไทย|th|thai|{_SITE_EN}?name)?$|^{_SITE_TH}$|^ชื่อ(?:ไทย|ภาษาไทย)?$"
        f"|^name(?:in)?(?:th|thai)?$|^(?:nameof)?(?:the)?{_SITE_EN}(?:name)?(?:in)?(?:th|thai)?$|^thainame$",
    ),
    (ListField.ADDRESS, "^address|address$|^(?:สถาน)?ที่ตั้ง|ที่อยู่|^location$"),
)


def _compiled(pattern: str) -> re.Pattern[str]:
    # In the form of a heading that is compared, where ำ is two signs.
    return re.compile(unicodedata.normalize("NFKC", pattern))


_SITE_HEADING = _compiled(f"{_SITE_TH}|{_SITE_EN}")
_OFFICE_HEADING = _compiled(
    "authorit(?:y|ies)|regulator|ministry|inspector|governmentoffice"
    "|(?:provincial|district|regional|contact|field|permitting|licensing|issuing|supervising|responsible)"
    "(?:office|agency)|^office(?:name)?$|^agency(?:name)?$|(?:case|government|responsible)officer"
    "|^(?:ชื่อ)?สำนักงาน(?!ใหญ่)|สำนักงาน(?:อุตสาหกรรม|จังหวัด|เขต)|อุตสาหกรรมจังหวัด|สอจ|^กรม"
    "|หน่วยงาน(?:ที่)?(?:รับผิดชอบ|กำกับ|อนุญาต|ออกใบ|ตรวจ|ราชการ|ของรัฐ|ผู้)|ผู้อนุญาต"
    "|เจ้าหน้าที่(?:รัฐ|จังหวัด|อุตสาหกรรม|ผู้รับผิดชอบ|ผู้ตรวจ)"
)
_OFFICE_NAME = re.compile(
    r"^\s*(?:สำนักงาน(?!ใหญ่)|กรม|กระทรวง|เทศบาล|อบต|องค์การบริหารส่วน)|อุตสาหกรรมจังหวัด|สอจ\."
    r"|\b(?:office|department|ministry|authority|agency|inspectorate|municipality)\b",
    re.IGNORECASE,
)
_KNOWN = tuple((field, _compiled(pattern)) for field, pattern in _PATTERNS)


def field_of(heading: str) -> ListField | None:
    """Return the field that a heading most likely names, or None.

    It never takes an address, a telephone number or a long text for a heading.
    """
    if len(heading) > _LONGEST_HEADING or "@" in heading or _NUMBER.search(heading):
        return None
    if heading.strip().lower() in set(ListField):
        return ListField(heading.strip().lower())
    key = heading_key(heading)
    return next((field for field, pattern in _KNOWN if pattern.search(key)), None)


def names_an_office(heading: str) -> bool:
    """Say whether a heading is about the office that looks after a site rather than about the site."""
    return _OFFICE_HEADING.search(heading_key(heading)) is not None


def is_office(name: str) -> bool:
    """Say whether a name is that of a government office."""
    return _OFFICE_NAME.search(name) is not None


def names_the_site(heading: str) -> bool:
    """Say whether a heading is expressly about the site itself."""
    return _SITE_HEADING.search(heading_key(heading)) is not None


def heading_key(heading: str) -> str:
    """Return a heading as it is compared: folded, without spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    # Letters, marks and numbers: Thai vowels and tones are marks.
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LMN")
