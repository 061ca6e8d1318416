"""Theme, time zone and language can be set with and without signing in."""

import pytest

URL = "/preferences/"


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_theme_is_saved(theme, viewer):
    assert viewer.post(URL, {"theme": theme, "next": "/?q=1"}).url == "/?q=1"
    assert f'data-theme="{theme}"' in viewer.get("/").content.decode()


def test_unknown_theme_is_ignored(viewer):
    viewer.post(URL, {"theme": '"><script>'})
    assert 'data-theme="auto"' in viewer.get("/").content.decode()
    viewer.cookies["statusboard_theme"] = "neon"
    assert 'data-theme="auto"' in viewer.get("/").content.decode()


def test_time_zone_is_saved(viewer):
    viewer.post(URL, {"time_zone": "America/Manaus"})
    assert "Times are shown in Manaus (UTC−4)." in viewer.get("/").content.decode()


def test_utc_offset_with_half_an_hour_is_shown(viewer):
    viewer.post(URL, {"time_zone": "Asia/Kolkata"})
    assert "Times are shown in Kolkata (UTC+5:30)." in viewer.get("/").content.decode()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x00", "x" * 300])
def test_unknown_time_zone_is_ignored(zone, viewer):
    viewer.post(URL, {"time_zone": zone})
    assert "Times are shown in UTC." in viewer.get("/").content.decode()


@pytest.mark.parametrize("name", ["statusboard_time_zone", "statusboard_browser_time_zone"])
@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc"])
def test_invalid_time_zone_cookie_is_ignored(name, zone, viewer):
    viewer.cookies[name] = zone
    assert "Times are shown in UTC." in viewer.get("/").content.decode()


def test_empty_time_zone_uses_that_of_the_browser(viewer):
    viewer.cookies["statusboard_browser_time_zone"] = "America/Manaus"
    viewer.post(URL, {"time_zone": "UTC"})
    assert "Times are shown in UTC." in viewer.get("/").content.decode()
    viewer.post(URL, {"time_zone": ""})
    assert "Times are shown in Manaus (UTC−4)." in viewer.get("/").content.decode()


@pytest.mark.parametrize("browser", ["", "America/Manaus"])
def test_language_does_not_change_the_time_zone(viewer, settings, browser):
    settings.DEFAULT_TIME_ZONE = "America/Sao_Paulo"
    viewer.cookies["statusboard_browser_time_zone"] = browser
    city = "Manaus (UTC−4)" if browser else "São Paulo (UTC−3)"
    for language in ("en", "pt-br"):
        viewer.post("/preferences/language/", {"language": language})
        assert city in viewer.get("/").content.decode()


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil"]
)
def test_next_url_on_another_site_is_ignored(address, viewer):
    assert viewer.post(URL, {"theme": "dark", "next": address}).url == "/"


def test_get_request_is_refused(viewer):
    assert viewer.get(URL, {"theme": "dark"}).status_code == 405


def test_language_is_saved_before_sign_in(client, db):
    client.post("/preferences/language/", {"language": "pt-br", "next": "/account/login/"})
    assert '<html lang="pt-br"' in client.get("/account/login/").content.decode()


def test_preference_cookies_are_http_only(viewer):
    cookie = viewer.post(URL, {"theme": "dark"}).cookies["statusboard_theme"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)
