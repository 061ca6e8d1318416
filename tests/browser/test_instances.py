"""The instance page during a push and while it waits for the first callback."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from messages.instances.bulk_jobs import run_batches
from messages.instances.push import run_due_pushes
from messages.jobs.follow_ups import follow_up
from messages.models import Instance
from messages.simulator.gateway import SimulatedInstance
from tests.browser.test_everyone import violations
from tests.plugins.zapi import FOREIGN_URL

pytestmark = pytest.mark.browser

CSV = b"name;id;token;tags\nShop;S;secret;Acme\nWithout id;;t;\n"
CALLBACK = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"}


def test_setup_steps_are_marked_done_without_a_reload(open_page, admin_user, instance, zapi, post):
    page = open_page(admin_user)
    page.goto(f"/instances/{instance.pk}/")
    done = page.locator(".progress-step.done")
    expect(done).to_have_count(1)
    page.get_by_role("button", name="Push to Z-API").click()
    expect(page.get_by_text("Queued. The worker will push it shortly.")).to_be_visible()
    run_due_pushes()
    expect(done).to_have_count(3)
    post(CALLBACK)
    follow_up()
    expect(done).to_have_count(4)
    expect(page.get_by_text("Z-API has called Statusboard.")).to_be_visible()


def test_question_about_a_foreign_url_appears_without_a_reload(
    open_page, admin_user, instance, zapi
):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), {"message-status": FOREIGN_URL}
    )
    page = open_page(admin_user)
    page.goto(f"/instances/{instance.pk}/")
    page.get_by_role("button", name="Push to Z-API").click()
    run_due_pushes()
    expect(page.get_by_role("button", name="Leave unchanged")).to_be_visible()
    assert not violations(page)
    page.get_by_role("button", name="Replace and forward").click()
    run_due_pushes()
    expect(page.get_by_role("button", name="Restore previous URL")).to_be_visible()
    expect(page.get_by_text("Callbacks are forwarded to it.")).to_be_visible()


def test_instance_chooser_ignores_accents(open_page, admin_user, instance):
    names = ["Cobrança", *(f"Loja {number}" for number in range(12))]
    Instance.objects.bulk_create(
        Instance(account=instance.account, name=name, zapi_id=name) for name in names
    )
    page = open_page(admin_user)
    page.goto(reverse("dashboard:channel-add"))
    page.get_by_label("Find by name or tag").fill("cobranca")
    page.get_by_role("button", name="Select all shown").click()
    expect(page.locator("input[name=instances]:visible")).to_have_count(1)
    expect(page.get_by_label("Cobrança")).to_be_checked()
    expect(page.locator("input[name=instances]:checked")).to_have_count(1)


def test_import_shows_a_preview_and_its_progress(open_page, admin_user, zapi):
    page = open_page(admin_user, width=320)
    page.goto("/instances/import/")
    file = {"name": "shops.csv", "mimeType": "text/csv", "buffer": CSV}
    page.get_by_label("CSV file").set_input_files(files=[file])
    page.get_by_role("button", name="Preview").first.click()
    expect(page.get_by_text("The instance id is missing.")).to_be_visible()
    assert not violations(page)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("1 of 2")).to_be_visible()
    run_batches()
    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
