"""Theme, time zone and language, signed in or not."""

import pytest

URL = "/preferences/"


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_a_theme_is_kept(theme, viewer):
    assert viewer.post(URL, {"theme": theme, "next": "/?q=1"}).url == "/?q=1"
    assert f'data-theme="{theme}"' in viewer.get("/").content.decode()


def test_a_theme_that_does_not_exist_is_not(viewer):
    viewer.post(URL, {"theme": '"><script>'})
    assert 'data-theme="auto"' in viewer.get("/").content.decode()
    viewer.cookies["statusboard_theme"] = "neon"
    assert 'data-theme="auto"' in viewer.get("/").content.decode()


def test_a_time_zone_is_kept(viewer):
    viewer.post(URL, {"time_zone": "America/Manaus"})
    assert "Times are shown in Manaus (UTC−4)." in viewer.get("/").content.decode()


def test_half_an_hour_from_utc_is_told(viewer):
    viewer.post(URL, {"time_zone": "Asia/Kolkata"})
    assert "Times are shown in Kolkata (UTC+5:30)." in viewer.get("/").content.decode()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x00", "x" * 300])
def test_a_time_zone_that_does_not_exist_is_not(zone, viewer):
    viewer.post(URL, {"time_zone": zone})
    assert "Times are shown in UTC." in viewer.get("/").content.decode()


@pytest.mark.parametrize("name", ["statusboard_time_zone", "statusboard_browser_time_zone"])
@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc"])
def test_a_strange_cookie_is_no_error(name, zone, viewer):
    viewer.cookies[name] = zone
    assert "Times are shown in UTC." in viewer.get("/").content.decode()


def test_mine_is_the_zone_of_the_browser(viewer):
    viewer.cookies["statusboard_browser_time_zone"] = "America/Manaus"
    viewer.post(URL, {"time_zone": "UTC"})
    assert "Times are shown in UTC." in viewer.get("/").content.decode()
    viewer.post(URL, {"time_zone": ""})
    assert "Times are shown in Manaus (UTC−4)." in viewer.get("/").content.decode()


@pytest.mark.parametrize("browser", ["", "America/Manaus"])
def test_a_language_never_changes_the_time_zone(viewer, settings, browser):
    settings.DEFAULT_TIME_ZONE = "America/Sao_Paulo"
    viewer.cookies["statusboard_browser_time_zone"] = browser
    city = "Manaus (UTC−4)" if browser else "São Paulo (UTC−3)"
    for language in ("en", "pt-br"):
        viewer.post("/preferences/language/", {"language": language})
        assert city in viewer.get("/").content.decode()


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil"]
)
def test_it_never_leads_away_from_the_board(address, viewer):
    assert viewer.post(URL, {"theme": "dark", "next": address}).url == "/"


def test_looking_is_not_changing(viewer):
    assert viewer.get(URL, {"theme": "dark"}).status_code == 405


def test_a_language_is_kept_before_signing_in(client, db):
    client.post("/preferences/language/", {"language": "pt-br", "next": "/account/login/"})
    assert '<html lang="pt-br"' in client.get("/account/login/").content.decode()


def test_the_cookies_are_out_of_reach_for_scripts(viewer):
    cookie = viewer.post(URL, {"theme": "dark"}).cookies["statusboard_theme"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)
