"""Examples for the API's description, in Thai as officers write and in English. A test validates each."""

from typing import Any

from fastapi.openapi.models import Example
from pydantic import JsonValue

from casework.domain import acts as a

_FILE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_NO_CONFLICT: JsonValue = {
    "has_conflict": False,
    "statement": "ไม่มีส่วนได้เสียกับสถานประกอบการแห่งนี้",
}


def _thai(summary: str, value: JsonValue) -> dict[str, Example]:
    return {"thai": {"summary": summary, "value": value}}


EXAMPLES_OF_ACTS: dict[type[a.Act], dict[str, Example]] = {
    a.SubmitApplication: _thai(
        "สถานประกอบการที่ได้รับเชิญยื่นคำขอ (an invited establishment applies)",
        {
            "contact": "con-k3v9a2q7m4tz",
            "statement": "โรงงานขอสมัครเข้าร่วมเครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม",
            "documents": [],
        },
    ),
    a.DeclineInvitation: _thai("ไม่ประสงค์เข้าร่วม (no)", {"reason": "อยู่ระหว่างย้ายโรงงาน"}),
    a.AcceptApplication: _thai("คำขอครบถ้วน (complete)", {"remark": "เอกสารครบถ้วน"}),
    a.ReturnApplication: _thai(
        "ขอเอกสารเพิ่ม (two items)",
        {
            "items": [
                {"item": "site-map", "reason": "ขอแผนผังที่ระบุจุดปล่อยน้ำทิ้ง"},
                {"item": "factory-license", "reason": "ใบอนุญาตหมดอายุแล้ว"},
            ]
        },
    ),
    a.RejectApplication: _thai(
        "ไม่อยู่ในขอบข่าย (out of scope)", {"reasons": "สถานประกอบการไม่อยู่ในขอบข่ายของโครงการ"}
    ),
    a.ResubmitApplication: _thai(
        "ส่งเอกสารที่แก้ไข (each item answered)",
        {
            "answers": [
                {
                    "item": "site-map",
                    "answer": "แนบแผนผังฉบับใหม่แล้ว",
                    "documents": [{"file": _FILE, "title": "แผนผังโรงงาน"}],
                },
                {"item": "factory-license", "answer": "ต่ออายุแล้วเมื่อเดือนนี้"},
            ]
        },
    ),
    a.ScheduleInspection: _thai(
        "นัดตรวจประเมิน (ten in the morning in Bangkok)",
        {
            "visit_at": "2026-12-15T10:00:00+07:00",
            "inspector": "inspector-21",
            "declaration": _NO_CONFLICT,
        },
    ),
    a.RescheduleInspection: _thai(
        "เลื่อนนัด (moved)",
        {
            "visit_at": "2026-12-22T10:00:00+07:00",
            "inspector": "inspector-21",
            "declaration": _NO_CONFLICT,
            "reason": "น้ำท่วมเส้นทางเข้าโรงงาน",
        },
    ),
    a.FileInspection: _thai(
        "บันทึกผลตรวจ (one finding for each criterion; shortened)",
        {
            "visited_at": "2026-12-15T10:30:00+07:00",
            "place": {"latitude": 12.68, "longitude": 101.28},
            "findings": [
                {"criterion": "EN-02", "grade": "conformity", "evidence": [_FILE]},
                {
                    "criterion": "EN-01",
                    "grade": "minor",
                    "remark": "ไม่พบป้ายประกาศผลตรวจน้ำทิ้ง",
                    "evidence": [_FILE],
                },
            ],
        },
    ),
    a.SubmitCorrectiveAction: _thai(
        "แจ้งผลการแก้ไข (what was done)",
        {"actions": [{"criterion": "EN-01", "action": "ติดตั้งป้ายแล้ว", "evidence": [_FILE]}]},
    ),
    a.VerifyCorrectiveAction: _thai(
        "เห็นชอบผลการแก้ไข (accepted)", {"verdicts": [{"criterion": "EN-01", "accepted": True}]}
    ),
    a.ExtendFeedback: _thai("ขยายเวลา (seven days)", {"days": 7, "reason": "ตรงกับวันหยุดยาว"}),
    a.DisposeRepresentations: _thai(
        "ตอบข้อคิดเห็นหลายรายการ (several at once)",
        {
            "numbers": [1, 2, 5],
            "disposition": "partly-upheld",
            "answer": "โรงงานจะตรวจวัดกลิ่นทุกเดือนและประกาศผลที่หน้าโรงงาน",
        },
    ),
    a.Recommend: _thai("เสนอให้การรับรอง (grant)", {"advice": "grant", "reasons": "ผ่านเกณฑ์ทุกข้อ"}),
    a.Decide: {
        "granted": {
            "summary": "ให้การรับรอง (granted)",
            "value": {"outcome": "granted", "reasons": "เห็นชอบตามข้อเสนอ"},
        },
        "deferred": {
            "summary": "ให้ตรวจเพิ่มเติม (deferred)",
            "value": {
                "outcome": "deferred",
                "reasons": "ข้อมูลการระบายน้ำยังไม่ชัดเจน",
                "back_to": "inspection",
                "asked": [{"item": "effluent-results", "reason": "ขอผลตรวจน้ำทิ้งช่วงฤดูฝน"}],
            },
        },
    },
    a.WithdrawApplication: _thai("ถอนคำขอ (withdrawn)", {"reason": "เปลี่ยนเจ้าของกิจการ"}),
    a.AddNote: _thai("บันทึกช่วยจำ (a note)", {"note": "โทรศัพท์ประสานโรงงานแล้ว"}),
    a.ReassignOfficer: _thai(
        "มอบหมายใหม่ (handed over)", {"officer": "officer-21b", "reason": "ลาศึกษาต่อ"}
    ),
    a.DeclareConflict: _thai("แจ้งส่วนได้เสีย (of oneself)", {"statement": "ญาติเป็นผู้จัดการโรงงานแห่งนี้"}),
}
"""At least one body for each act that people do."""

APPLICATION: dict[str, Any] = {
    "program": "eco-network",
    "establishment": {
        "registration_no": "3-106-33/50รย",
        "name_th": "บริษัท น้ำใสอุตสาหกรรม จำกัด",
        "name_en": "Namsai Industry Co., Ltd.",
        "address": "99 หมู่ 4 ตำบลมาบตาพุด อำเภอเมือง",
        "province": "21",
        "latitude": 12.68,
        "longitude": 101.15,
        "river_basin": 18,
    },
    "contact": {
        "name": "สมหญิง ใจดี",
        "email": "somying@namsai.example",
        "phone": "038-000-000",
        "language": "th",
    },
    "communities": [
        {
            "kind": "local-government",
            "name": "เทศบาลเมืองมาบตาพุด",
            "email": "saraban@maptaphut.example",
            "phone": "038-000-001",
            "address": "9 ถนนเมืองใหม่มาบตาพุด ตำบลห้วยโป่ง อำเภอเมือง ระยอง 21150",
        },
        {
            "kind": "village-head",
            "name": "ผู้ใหญ่บ้าน หมู่ 4 ตำบลมาบตาพุด",
            "phone": "081-000-0002",
        },
    ],
    "statement": "ขอสมัครเข้าร่วมเครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม",
    "documents": [],
}
"""An application in Thai."""

COMMUNITIES: dict[str, Any] = {
    "communities": [
        {
            "kind": "association",
            "name": "กลุ่มชาวประมงพื้นบ้านปากคลอง",
            "email": "fishers@klong.example",
            "phone": "038-000-003",
        },
        {
            "kind": "school",
            "name": "โรงเรียนวัดริมคลอง",
            "address": "1 หมู่ 5 ตำบลมาบตาพุด อำเภอเมือง ระยอง 21150",
        },
    ]
}
"""The communities around a site, each of them new."""

REPRESENTATION: dict[str, Any] = {
    "stance": "objection",
    "text": "ช่วงกลางคืนมีกลิ่นรบกวนชุมชนริมคลองสองถึงสามครั้งต่อสัปดาห์",
    "name": "วิชัย รักคลอง",
    "email": "wichai@example.org",
    "language": "th",
}
"""What a neighbor says."""
