"""Submit every form with the longest texts. Processing time must not grow quadratically."""

import time

import pytest

from tests.accounts.routes import ROUTES
from tests.attacks.discovery import Target, discover
from tests.attacks.pages import ask_path
from tests.attacks.tables import PK, ROW_ID

# The maximum form size, minus some room for field names. Use only characters that are not
# percent-encoded.
LONG = 900_000
# Quadratic code needed 10 s for a quarter of this length, so it would need 160 s for all.
LIMIT = 30  # seconds of CPU time
SHAPES = ["1", "a@", "5544-99_", "token=", "(["]


@pytest.fixture
def forms(root) -> list[Target]:
    found = discover([(root, [route.path(PK, ROW_ID) for route in ROUTES])])
    with_texts = [form for form in found if form.method == "POST" and form.fields]
    return list({(form.path, form.button): form for form in with_texts}.values())


@pytest.mark.parametrize("shape", SHAPES)
def test_form_with_long_texts_is_answered_in_time(root, forms, shape):
    slow = {}
    for form in forms:
        *texts, (last, value) = form.fields
        names = [name for name, _ in texts] if form.button else [name for name, _ in form.fields]
        fields = dict.fromkeys(names, shape * (LONG // (len(names) or 1) // len(shape)))
        began = time.process_time()
        ask_path(root, form.path, "post", data={last: value} | fields)
        if (took := time.process_time() - began) > LIMIT:
            slow[form.path] = round(took, 1)
    assert len(forms) > 20
    assert not slow
