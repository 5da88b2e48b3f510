"""Examples for the description of the drives. A test validates each."""

from typing import Any

SEMINAR: dict[str, Any] = {
    "title": "สัมมนาเครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม จังหวัดระยอง",
    "held_on": "2026-11-20",
    "province": "21",
    "place": "ศาลากลางจังหวัดระยอง",
}
"""A seminar of a provincial office."""

DRIVE: dict[str, Any] = {
    "program": "eco-network",
    "seminar": "sem-k3v9a2q7m4tz",
    "provinces": ["21"],
    "pace": 120,
}
"""A drive over the attendees of a seminar, at two cases a second."""

MEMBERS: dict[str, Any] = {
    "program": "eco-network",
    "title": "ต่ออายุสมาชิกที่ใกล้หมดอายุ",
    "members": {"ends_before": "2027-04-01"},
}
"""A drive over members whose certification ends."""

MAPPING: dict[str, Any] = {
    "fields": {
        "registration_no": "ทะเบียนโรงงาน",
        "name_th": "ชื่อโรงงาน",
        "province": "จังหวัด",
        "contact_name": "ผู้เข้าร่วม",
        "email": "อีเมล",
    }
}
"""What the columns of a list hold."""

TARGET: dict[str, Any] = {
    "program": "river-governance",
    "fiscal_year": 2570,
    "province": None,
    "target": 150,
}
"""A yearly target of the whole country."""
