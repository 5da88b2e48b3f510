"""The style sheet, held against the templates that use it."""

import re
from pathlib import Path

import api

API = Path(api.__file__).parent
STYLES = (API / "static/css/casework.css").read_text(encoding="utf-8")
TEMPLATES = {
    path: path.read_text(encoding="utf-8") for path in (API / "templates").rglob("*.jinja")
}
_WITHOUT_A_BOX = {"hidden", "radio", "checkbox"}


def test_every_kind_of_field_has_its_look():
    kinds = {
        kind for text in TEMPLATES.values() for kind in re.findall(r'<input type="(\w+)"', text)
    }
    assert "tel" in kinds
    assert [k for k in kinds - _WITHOUT_A_BOX if f'input[type="{k}"],' not in STYLES] == []


def test_a_form_has_one_button_that_leads_on():
    """All others stand behind it."""
    for path, text in TEMPLATES.items():
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            buttons = re.findall(r"<button\b[^>]*>", form)
            behind = ('class="secondary"', 'aria-hidden="true"')
            assert len([b for b in buttons if not any(word in b for word in behind)]) == 1, path


def test_the_steps_of_a_case_keep_their_dots_on_paper():
    """Browsers print no backgrounds unless they are told to."""
    paper = STYLES.partition("@media print")[2]
    exact = re.findall(r"([^{}]+)\{[^{}]*print-color-adjust: exact", paper)
    assert any(".timeline li::before" in selectors for selectors in exact)
