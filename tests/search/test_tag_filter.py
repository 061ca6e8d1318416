"""Messages of instances with a tag: the page, the API and saved queries."""

import pytest
from django.http import QueryDict

from messages.instances.tags import set_tags
from messages.models import Instance, UserLimit
from messages.search.criteria import Criteria


@pytest.fixture(autouse=True)
def _tagged(instance, report, account):
    set_tags(instance, ["loja", "sul"])
    report("SENT")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    set_tags(other, ["norte"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=loja", ["3EB0A1"]),
        ("tag=LOJA", ["3EB0A1"]),
        ("tag=norte&tag=sul", ["3EB0A1"]),
        ("tag=loja&tag=sul", ["3EB0A1"]),
        ("tag=norte", []),
        ("tag=nonsense", []),
        ("tag=sul&until=2099-01-01T00:00Z", ["3EB0A1"]),
        ("tag=norte&until=2099-01-01T00:00Z", []),
    ],
)
def test_page_and_api_find_the_messages_of_any_of_the_tags(viewer, reader, query, found):
    page = viewer.get(f"/?{query}")
    assert [row.message.zapi_id for row in page.context.get("rows", ())] == found
    api_query = query.replace("2099-01-01T00:00Z", "2099-01-01T00:00:00Z")
    rows = reader.read(f"/messages/?{api_query}")["results"]
    assert [row["message_id"] for row in rows] == found


def test_tag_chip_removes_only_its_tag(viewer):
    chips = viewer.get("/?tag=loja&tag=norte").context["chips"]
    assert [(str(chip.label), chip.url) for chip in chips] == [
        ("Tag: loja", "/?tag=norte"),
        ("Tag: norte", "/?tag=loja"),
    ]


def test_tag_menu_lists_the_tags_of_visible_instances_only(viewer, support, instance):
    assert [link.label for link in viewer.get("/").context["tag_links"]] == ["loja", "norte", "sul"]
    UserLimit.objects.create(user=support, instance=instance)
    assert [link.label for link in viewer.get("/").context["tag_links"]] == ["loja", "sul"]


def test_tags_survive_in_a_saved_query():
    criteria = Criteria.read(QueryDict("tag=loja&tag=sul&tag=loja&tag=&tag=%00"))
    assert criteria.tags == ("loja", "sul")
    assert Criteria.read(QueryDict("&".join(map("=".join, criteria.query())))) == criteria
