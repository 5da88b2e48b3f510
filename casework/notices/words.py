"""Words that notices need beside their templates: periods, stages, grades and outcomes in both languages."""

from casework.domain.acts import Advice, Disposition, Outcome
from casework.domain.calendar import Language
from casework.domain.rules import Grade, Holder, PeriodName
from casework.domain.stages import Stage
from casework.programs.model import Words
from casework.programs.provinces import provinces

TASKS: dict[PeriodName, Words] = {
    PeriodName.INVITATION: Words(th="ยื่นคำขอหรือตอบคำเชิญ", en="apply or decline the invitation"),
    PeriodName.APPLICATION_REVIEW: Words(th="ตรวจสอบคำขอ", en="review the application"),
    PeriodName.RESUBMISSION: Words(
        th="ตอบรายการที่ขอแก้ไขและส่งคำขอกลับ",
        en="answer the returned items and send the application back",
    ),
    PeriodName.INSPECTION: Words(
        th="ตรวจประเมินและบันทึกผล", en="inspect the site and file the findings"
    ),
    PeriodName.CORRECTIVE_ACTION: Words(
        th="แก้ไขข้อบกพร่องและรายงานผลการแก้ไข",
        en="correct the nonconformities and report what was done",
    ),
    PeriodName.VERIFICATION: Words(th="ทวนสอบผลการแก้ไข", en="verify the corrective action"),
    PeriodName.FEEDBACK: Words(th="รับฟังความคิดเห็นของชุมชน", en="hear the community"),
    PeriodName.ANSWERING: Words(th="ตอบข้อคิดเห็นของชุมชน", en="answer the representations"),
    PeriodName.REVIEW: Words(th="ทบทวนและเสนอความเห็น", en="review the case and recommend"),
    PeriodName.DECISION: Words(th="พิจารณาให้การรับรอง", en="decide the case"),
    PeriodName.VALIDITY: Words(th="ต่อการรับรอง", en="renew the certification"),
}
"""What is to be done in each period, as an imperative that goes on from "to" and from "ให้ท่าน"."""

HOLDER_NAMES: dict[Holder, Words] = {
    Holder.OFFICE: Words(th="สำนักงานอุตสาหกรรมจังหวัด", en="the provincial industry office"),
    Holder.APPLICANT: Words(th="ผู้ยื่นคำขอ", en="the applicant"),
    Holder.INSPECTOR: Words(th="ผู้ตรวจประเมิน", en="the inspector"),
    Holder.COMMUNITY: Words(th="ชุมชน", en="the community"),
    Holder.REVIEWER: Words(th="ผู้ทบทวน", en="the reviewers"),
    Holder.DECISION_MAKER: Words(th="ผู้มีอำนาจพิจารณาให้การรับรอง", en="the decision makers"),
    Holder.CERTIFICATE_HOLDER: Words(th="ผู้ได้รับการรับรอง", en="the certificate holder"),
}

STAGES: dict[Stage, Words] = {
    Stage.NEW: Words(th="เปิดเรื่องใหม่", en="new"),
    Stage.INVITED: Words(th="เชิญแล้ว รอคำตอบ", en="invited, waiting for an answer"),
    Stage.APPLICATION_REVIEW: Words(th="ตรวจสอบคำขอ", en="review of the application"),
    Stage.RETURNED: Words(th="ส่งคืนเพื่อแก้ไข", en="returned to the applicant"),
    Stage.INSPECTION: Words(th="ตรวจประเมิน", en="inspection"),
    Stage.CORRECTIVE_ACTION: Words(th="แก้ไขข้อบกพร่อง", en="corrective action"),
    Stage.FEEDBACK: Words(th="รับฟังความคิดเห็นของชุมชน", en="community feedback"),
    Stage.ANSWERING: Words(th="ตอบข้อคิดเห็น", en="answering representations"),
    Stage.REVIEW: Words(th="ทบทวน", en="review"),
    Stage.DECISION: Words(th="พิจารณาให้การรับรอง", en="decision"),
    Stage.CERTIFIED: Words(th="ได้รับการรับรอง", en="certified"),
    Stage.REFUSED: Words(th="ไม่ให้การรับรอง", en="refused"),
    Stage.REJECTED: Words(th="ไม่รับคำขอ", en="rejected"),
    Stage.WITHDRAWN: Words(th="ถอนคำขอ", en="withdrawn"),
    Stage.DECLINED: Words(th="ปฏิเสธคำเชิญ", en="declined"),
    Stage.LAPSED: Words(th="สิ้นสุดเพราะพ้นกำหนดเวลา", en="lapsed"),
    Stage.EXPIRED: Words(th="การรับรองหมดอายุ", en="expired"),
}

GRADES: dict[Grade, Words] = {
    Grade.CONFORMITY: Words(th="เป็นไปตามเกณฑ์", en="conformity"),
    Grade.OBSERVATION: Words(th="ข้อสังเกต", en="observation"),
    Grade.MINOR: Words(th="ข้อบกพร่องย่อย", en="minor nonconformity"),
    Grade.MAJOR: Words(th="ข้อบกพร่องสำคัญ", en="major nonconformity"),
    Grade.NOT_APPLICABLE: Words(th="ไม่เกี่ยวข้อง", en="not applicable"),
}

DISPOSITIONS: dict[Disposition, Words] = {
    Disposition.UPHELD: Words(th="เห็นพ้องกับข้อคิดเห็น", en="upheld"),
    Disposition.PARTLY_UPHELD: Words(th="เห็นพ้องกับข้อคิดเห็นบางส่วน", en="partly upheld"),
    Disposition.NOT_UPHELD: Words(th="ไม่อาจเห็นพ้องกับข้อคิดเห็น", en="not upheld"),
    Disposition.NOTED: Words(th="รับทราบข้อคิดเห็น", en="noted"),
    Disposition.OUT_OF_SCOPE: Words(th="อยู่นอกขอบเขตของการรับรอง", en="out of scope"),
    Disposition.DUPLICATE: Words(
        th="ซ้ำกับข้อคิดเห็นอื่นที่ได้รับคำตอบแล้ว", en="the same as another that has been answered"
    ),
}

ADVICE: dict[Advice, Words] = {
    Advice.GRANT: Words(th="เห็นควรให้การรับรอง", en="certify"),
    Advice.REFUSE: Words(th="เห็นควรไม่ให้การรับรอง", en="do not certify"),
}

OUTCOMES: dict[Outcome, Words] = {
    Outcome.GRANTED: Words(th="ให้การรับรอง", en="certified"),
    Outcome.REFUSED: Words(th="ไม่ให้การรับรอง", en="not certified"),
    Outcome.DEFERRED: Words(th="เลื่อนการพิจารณา", en="deferred"),
}

GROUPS: dict[str, Words] = {
    "reviewers": Words(th="ผู้ทบทวน", en="reviewers"),
    "decision-makers": Words(th="ผู้มีอำนาจพิจารณาให้การรับรอง", en="decision makers"),
    "supervisors": Words(th="ผู้กำกับดูแล", en="supervisors"),
    "office": Words(th="เจ้าหน้าที่ผู้เกี่ยวข้อง", en="colleagues"),
    "community": Words(th="ชุมชนโดยรอบ", en="neighbors"),
    "author": Words(th="ผู้แสดงความคิดเห็น", en="Sir or Madam"),
}
"""How several readers are addressed, or one whose name is not used."""

_OF_BANGKOK = Words(th="กระทรวงอุตสาหกรรม", en="Ministry of Industry")
"""Bangkok has no provincial office."""


def office_in(province: str, language: Language) -> str:
    """Return the name of the office of a province, by its code."""
    found = provinces().get(province)
    if found is None or not found.has_office:
        return _OF_BANGKOK.to(language)
    name = found.name(language)
    return (
        f"สำนักงานอุตสาหกรรมจังหวัด{name}" if language == "th" else f"{name} Provincial Industry Office"
    )
