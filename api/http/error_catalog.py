"""Every error the API can answer with: a stable code, its status, what it means and what to do.

``docs/errors.md`` and ``GET /errors/{code}`` show this list and nothing else; a test holds the page to it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from casework.domain.refusals import NOT_YOURS, RefusalCode


class ErrorKind(NamedTuple):
    """One code, in words. ``title`` never changes with the occurrence; the problem's ``detail`` does."""

    code: str
    status: int
    title: str
    meaning: str
    remedy: str


_STATUS_OF_REFUSALS = {
    **dict.fromkeys(NOT_YOURS, 403),
    RefusalCode.ACT_UNKNOWN: 404,
    RefusalCode.VERSION_CONFLICT: 412,
    RefusalCode.ENGINE_FAULT: 500,
}


def status_of(code: RefusalCode) -> int:
    """Return the status of a refusal: a broken rule of the case is a conflict unless it says otherwise."""
    return _STATUS_OF_REFUSALS.get(code, 409)


def _refusal(code: RefusalCode, title: str, meaning: str, remedy: str) -> ErrorKind:
    return ErrorKind(code.value, status_of(code), title, meaning, remedy)


_REFUSALS = (
    _refusal(
        RefusalCode.ROLE_REQUIRED,
        "Another role is needed",
        "Your token names none of the roles that may do this; `detail` lists them.",
        "Ask your administrator for the role, or leave the act to somebody who has it.",
    ),
    _refusal(
        RefusalCode.NOT_YOUR_ESTABLISHMENT,
        "Not your establishment",
        "Applicants act for the establishment their token is bound to, and this is another one.",
        "Sign in for the establishment the case belongs to.",
    ),
    _refusal(
        RefusalCode.NOT_THE_INSPECTOR,
        "Not the inspector of this visit",
        "Another inspector has been named for the visit.",
        "An officer names you with `reschedule-inspection`, or the named inspector files it.",
    ),
    _refusal(
        RefusalCode.INSPECTED_THIS_CASE,
        "You inspected this case",
        "Whoever inspects a case neither reviews nor decides it (ISO/IEC 17065, 7.5 and 7.6).",
        "Leave it to a reviewer or decision maker who was not at the site.",
    ),
    _refusal(
        RefusalCode.REVIEWED_THIS_CASE,
        "You reviewed or decided this case",
        "One person does only one of inspecting, reviewing and deciding in a case.",
        "Leave it to somebody who had no other duty in this case.",
    ),
    _refusal(
        RefusalCode.APPLIED_FOR_THIS_CASE,
        "You acted for the applicant",
        "Nobody works as staff on a case in which they acted for the applicant.",
        "Leave it to a colleague, and declare the conflict with `declare-conflict`.",
    ),
    _refusal(
        RefusalCode.CONFLICT_DECLARED,
        "A conflict of interest is declared",
        "The person has a declared conflict of interest in this case and acts on it no more.",
        "Leave it to, or name, somebody else.",
    ),
    _refusal(
        RefusalCode.NOT_AT_THIS_STAGE,
        "Not at this stage",
        "The act belongs to another stage of the case; `detail` names both.",
        "Read `/cases/{id}/acts` for what is open now.",
    ),
    _refusal(
        RefusalCode.NO_VISIT_SCHEDULED,
        "No visit is scheduled",
        "A visit is moved or filed only after it has been scheduled.",
        "Schedule it with `schedule-inspection`.",
    ),
    _refusal(
        RefusalCode.VISIT_ALREADY_SCHEDULED,
        "A visit is already scheduled",
        "The case has a date and an inspector.",
        "Change them with `reschedule-inspection`.",
    ),
    _refusal(
        RefusalCode.AWAITING_APPLICANT,
        "Waiting for the establishment",
        "The establishment has not submitted its corrective action yet.",
        "Wait for it, or for the end of its period; `/cases/{id}/clock` says when that is.",
    ),
    _refusal(
        RefusalCode.AWAITING_VERIFICATION,
        "Waiting for the inspector",
        "A corrective action was submitted and waits for the inspector's verdict.",
        "Wait for the verdict; if it is negative, submit again.",
    ),
    _refusal(
        RefusalCode.PERIOD_IS_OVER,
        "The period is over",
        "The time for this act has ended; `detail` says when.",
        "Nothing more is taken for this period. `/cases/{id}` shows where the case goes next.",
    ),
    _refusal(
        RefusalCode.INSPECTOR_HAS_CONFLICT,
        "The inspector has a conflict of interest",
        "An inspector who declared a conflict, or acted for the applicant, cannot be named.",
        "Record the conflict with `declare-conflict` and name another inspector.",
    ),
    _refusal(
        RefusalCode.VISIT_IN_THE_PAST,
        "The visit would be in the past",
        "A visit is scheduled for a time to come.",
        "Give a later `visit_at`, with its offset from UTC.",
    ),
    _refusal(
        RefusalCode.VISIT_IN_THE_FUTURE,
        "The visit has not taken place yet",
        "Findings are filed after the visit.",
        "Give the time at which the visit took place as `visited_at`.",
    ),
    _refusal(
        RefusalCode.FINDINGS_INCOMPLETE,
        "The findings are incomplete",
        "There is exactly one finding for each criterion of the program version, and each one but a"
        " conformity says why.",
        "Add what `errors` points at. The criteria are at `/programs/{program}/{version}`.",
    ),
    _refusal(
        RefusalCode.CRITERION_UNKNOWN,
        "No such criterion",
        "The program version of this case has no criterion with this code.",
        "Take the codes from `/programs/{program}/{version}` of the case's own version.",
    ),
    _refusal(
        RefusalCode.GRADE_NOT_ALLOWED,
        "This grade is not allowed here",
        "The criterion always applies, so it cannot be graded `not-applicable`; or any lapse on it is major, so it"
        " cannot be graded `minor`. `detail` says which.",
        "Grade it by what was found.",
    ),
    _refusal(
        RefusalCode.EVIDENCE_REQUIRED,
        "Evidence is required",
        "The program wants evidence for this finding.",
        "Upload the file with `POST /evidence` and name its SHA-256 in the finding.",
    ),
    _refusal(
        RefusalCode.ITEM_UNKNOWN,
        "No such item",
        "An application to the program version of this case has no item with this code.",
        "Take the codes from `items` at `/programs/{program}/{version}` of the case's own version.",
    ),
    _refusal(
        RefusalCode.ITEM_NAMED_LATE,
        "This item was not named before",
        "What is missing is named when an application is first returned; an officer who returns it again names only"
        " what was named then.",
        "Return it for items that were named before, or ask a supervisor to return it.",
    ),
    _refusal(
        RefusalCode.ITEMS_DO_NOT_MATCH,
        "The items do not match",
        "Each item that was asked is answered once, and no other; `detail` lists the difference.",
        "Send one answer for each item in `items_to_answer`, `to_correct` or `to_verify`.",
    ),
    _refusal(
        RefusalCode.REPRESENTATION_UNKNOWN,
        "No such representation is waiting",
        "A number in the list is not an accepted representation without an answer.",
        "Read the numbers from `unanswered` of the case.",
    ),
    _refusal(
        RefusalCode.PASS_RULE_NOT_MET,
        "The pass rule is not met",
        "The findings do not allow a grant: open nonconformities, a knock-out criterion or too few"
        " points. `detail` names each.",
        "Refuse, or defer the decision to the stage where it can be mended.",
    ),
    _refusal(
        RefusalCode.DEFERRAL_INCOMPLETE,
        "The deferral is incomplete",
        "A deferred decision names the stage to go back to and what is asked there; no other"
        " decision does.",
        "Give `back_to` and `asked` together with the outcome `deferred`, or neither.",
    ),
    _refusal(
        RefusalCode.ALREADY_DECLARED,
        "This conflict is on file",
        "The person's conflict of interest in this case was declared before.",
        "Nothing is left to do.",
    ),
    _refusal(
        RefusalCode.SAME_OFFICER,
        "The officer already has the case",
        "The case would be handed to the officer who holds it.",
        "Name another officer.",
    ),
    _refusal(
        RefusalCode.VERSION_CONFLICT,
        "The case has changed",
        "Somebody acted on the case, or time passed, after you read the version in `If-Match`.",
        "Read the case again, look at what changed, and repeat the act with the new ETag.",
    ),
    _refusal(
        RefusalCode.KEY_REUSED,
        "The idempotency key was used for another request",
        "The same `Idempotency-Key` came with a different body before.",
        "Use a new key, such as a UUID, for each new request; repeat a key only for a retry.",
    ),
    _refusal(
        RefusalCode.ACT_UNKNOWN,
        "No such act",
        "The engine that runs the case does not know this act.",
        "The acts are listed at `/cases/{id}/acts`. During an upgrade, try again later.",
    ),
    _refusal(
        RefusalCode.ENGINE_FAULT,
        "The engine could not judge the act",
        "A defect of the engine. Nothing has changed, and the case takes other acts.",
        "Report the `trace_id` to the operator.",
    ),
)

_OF_THE_API = (
    ErrorKind(
        "request-malformed",
        422,
        "The request is malformed",
        "A field, parameter or header is missing, unknown or not as described; each entry of"
        " `errors` names one, with a JSON pointer into the body or the name of the parameter.",
        "Correct every entry of `errors` and send the request again.",
    ),
    ErrorKind(
        "body-unreadable",
        400,
        "The body cannot be read",
        "The body is no UTF-8, is nested too deeply, or holds numbers too long to read.",
        "Send the fields that the API description names.",
    ),
    ErrorKind(
        "body-too-large",
        413,
        "The body is too large",
        "The body is longer than this address takes; nothing of it was kept.",
        "Send files with `POST /evidence` and name them by their SHA-256.",
    ),
    ErrorKind(
        "act-too-large",
        413,
        "The act is too large",
        "An act is at most 48 KiB as compact JSON, because it is kept in the case's history.",
        "Shorten remarks; put long texts into a file and name it as evidence.",
    ),
    ErrorKind(
        "media-type-unsupported",
        415,
        "The media type is not supported",
        "This address takes another `Content-Type`.",
        "Send `application/json`.",
    ),
    ErrorKind(
        "idempotency-key-required",
        400,
        "An Idempotency-Key is required",
        "Each POST carries the header `Idempotency-Key`, so that a retry is never done twice.",
        "Send a new UUID for each request, and the same one again when you retry it.",
    ),
    ErrorKind(
        "idempotency-key-malformed",
        400,
        "The Idempotency-Key is malformed",
        "A key has 1 to 200 printable ASCII characters.",
        "Send a UUID.",
    ),
    ErrorKind(
        "if-match-required",
        428,
        "If-Match is required",
        "An act says which version of the case the person saw, so that nobody acts on a case they"
        " have not seen.",
        "Send the `ETag` of `GET /cases/{id}` as `If-Match`.",
    ),
    ErrorKind(
        "if-match-malformed",
        412,
        "If-Match is malformed",
        'It is one strong entity tag that holds the version of the case, such as `"7"`: no `*`, no'
        " list, no weak tag.",
        "Send the `ETag` of `GET /cases/{id}` unchanged. A proxy that compresses answers may have"
        " made it weak (`W/`): switch that off for the API.",
    ),
    ErrorKind(
        "token-required",
        401,
        "A token is required",
        "The request has no bearer token.",
        "Send `Authorization: Bearer <token>`.",
    ),
    ErrorKind(
        "token-invalid",
        401,
        "The token is not valid",
        "Signature, issuer, audience, time or claims of the token are not in order.",
        "Get a new token. If that does not help, the operator compares the issuer's settings.",
    ),
    ErrorKind(
        "token-expired",
        401,
        "The token has expired",
        "The token was good until a while ago.",
        "Get a new token.",
    ),
    ErrorKind(
        "token-keys-unavailable",
        503,
        "Tokens cannot be checked",
        "The key set of the token issuer cannot be read at the moment.",
        "Wait as long as `Retry-After` says and try again.",
    ),
    ErrorKind(
        "not-found",
        404,
        "Not found",
        "There is nothing at this address, or nothing that you may see: the two look alike.",
        "Check the address, and the provinces and programs of your token.",
    ),
    ErrorKind(
        "method-not-allowed",
        405,
        "The method is not allowed",
        "The address exists and takes other methods; `Allow` names them.",
        "Use one of them.",
    ),
    ErrorKind(
        "program-unknown",
        422,
        "No such program",
        "There is no program with this code.",
        "Take the code from `/programs`.",
    ),
    ErrorKind(
        "program-not-open",
        409,
        "The program takes no applications now",
        "No published version of the program is valid today.",
        "Look at `/programs` for when the next version begins.",
    ),
    ErrorKind(
        "case-already-open",
        409,
        "A case is already open",
        "The establishment has an open case in this program; there is one at a time. The holder of a certification"
        " applies again from 180 days before its end on.",
        "Go on with that case, or withdraw it first.",
    ),
    ErrorKind(
        "evidence-unknown",
        422,
        "No such file",
        "A file that the request names has not been uploaded; `errors` points at each.",
        "Upload it with `POST /evidence` first.",
    ),
    ErrorKind(
        "contact-unknown",
        422,
        "No such contact",
        "The contact is not one of the case's establishment.",
        "Take the contact from `contact` of the case.",
    ),
    ErrorKind(
        "person-unknown",
        422,
        "Nobody with this part",
        "The staff directory has no such person in this part for the program and province of the case.",
        "Name somebody who is there; the operator adds people with `casework people load`.",
    ),
    ErrorKind(
        "file-empty",
        422,
        "The file is empty",
        "The body has no bytes.",
        "Send the file itself as the body, not as a form.",
    ),
    ErrorKind(
        "file-too-large",
        413,
        "The file is too large",
        "The file is larger than the operator allows; nothing of it was kept.",
        "Send a smaller file, such as a photograph of lower resolution.",
    ),
    ErrorKind(
        "file-type-not-allowed",
        415,
        "Files of this type are not taken",
        "Evidence is PDF, JPEG, PNG, HEIC or WebP, by what the file is and not by its name.",
        "Convert the file.",
    ),
    ErrorKind(
        "file-type-mismatch",
        422,
        "The file is not what it is said to be",
        "The `Content-Type` and the content of the file differ.",
        "Send the media type that the file has.",
    ),
    ErrorKind(
        "feedback-not-open",
        409,
        "The feedback period is not open",
        "Representations are taken while the feedback period of a case runs, and it does not.",
        "The decision and the answers to representations will be published.",
    ),
    ErrorKind(
        "feedback-full",
        409,
        "No more representations are taken",
        "The case has as many representations as it can take.",
        "Write to the provincial industry office.",
    ),
    ErrorKind(
        "list-unreadable",
        422,
        "The list cannot be read",
        "The file is no list that can be read as a whole; `fault` names why, `line` where. Nothing of"
        " it was taken.",
        "Mend what `detail` says and upload the file again.",
    ),
    ErrorKind(
        "list-missing",
        409,
        "The drive has no list yet",
        "A mapping belongs to a list, and none has been uploaded.",
        "Upload the list with `PUT /drives/{id}/list`.",
    ),
    ErrorKind(
        "list-changed",
        409,
        "The list has changed",
        "Somebody uploaded another list, or mapped this one, at the same time.",
        "Look at the drive and send the mapping again.",
    ),
    ErrorKind(
        "mapping-unusable",
        422,
        "The mapping cannot be used",
        "The list has no such column, one column would hold two fields, or nothing tells its rows"
        " apart.",
        "Name the column of the registration number, or those of a name and of the province.",
    ),
    ErrorKind(
        "seminar-unknown",
        422,
        "No such seminar",
        "There is no seminar with this id.",
        "Take the id from `/seminars`.",
    ),
    ErrorKind(
        "outside-your-scope",
        403,
        "Beyond your provinces or programs",
        "A drive, seminar or target reaches at most as far as the token of whoever makes it.",
        "Leave out what `detail` names, or leave it to somebody who works there.",
    ),
    ErrorKind(
        "drive-not-in-state",
        409,
        "The drive is not in such a state",
        "A list is taken before the start, a drive is started after its dry run, paused while it"
        " runs, resumed while it is paused, and run again when it has ended.",
        "Read the drive; its `state` says what is open now.",
    ),
    ErrorKind(
        "nothing-to-rerun",
        409,
        "There is nothing to run again",
        "No row of the drive failed.",
        "Nothing is left to do. With `also_stopped` rows that a stop skipped get their turn.",
    ),
    ErrorKind(
        "rate-limited",
        429,
        "Too many requests",
        "More requests of this kind came from your network, or from one person, than are taken in a while.",
        "Wait as long as `Retry-After` says.",
    ),
    ErrorKind(
        "case-busy",
        429,
        "The case is busy",
        "Too many acts are on their way to this case at the same time. Nothing has changed.",
        "Repeat the request with the same `Idempotency-Key` after `Retry-After`.",
    ),
    ErrorKind(
        "engine-unavailable",
        503,
        "Acts cannot be taken at the moment",
        "The engine that runs the cases does not answer. Reading goes on. The act may still be"
        " applied, but never twice.",
        "Repeat the request with the same `Idempotency-Key` after `Retry-After`.",
    ),
    ErrorKind(
        "case-not-running",
        503,
        "The case is not running",
        "The case is open, but the engine has no run of it. Nothing has changed.",
        "Report the case and the `trace_id` to the operator, who restarts it.",
    ),
    ErrorKind(
        "record-behind",
        503,
        "The record of the case is being brought up to date",
        "The case has gone on, and what you saw is its record of before. Nothing has changed.",
        "Read the case again after `Retry-After`, then repeat the request. If this lasts, report the"
        " case to the operator.",
    ),
    ErrorKind(
        "database-unavailable",
        503,
        "The database is unavailable",
        "The application database does not answer. Nothing has changed.",
        "Repeat the request with the same `Idempotency-Key` after `Retry-After`.",
    ),
    ErrorKind(
        "not-ready",
        503,
        "Not ready",
        "A part the system needs is missing; `parts` names each with its state.",
        "Wait, or look at the part that is not `ok`.",
    ),
    ErrorKind(
        "internal-error",
        500,
        "Internal error",
        "A defect of the API.",
        "Report the `trace_id` to the operator.",
    ),
)

ERRORS: Mapping[str, ErrorKind] = MappingProxyType(
    {kind.code: kind for kind in (*_REFUSALS, *_OF_THE_API)}
)
"""Every error by code, refusals of the case first."""
