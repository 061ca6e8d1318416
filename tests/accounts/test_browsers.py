import pytest

from messages.accounts.browser_names import browser_name

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Firefox on Windows",
        ),
        (CHROME.format("X11; Linux x86_64"), "Chrome on Linux"),
        (CHROME.format("Linux; Android 14; SM-A546E"), "Chrome on Android"),
        (f"{CHROME.format('Windows NT 10.0')} Edg/131.0", "Edge on Windows"),
        (f"{CHROME.format('Macintosh; Intel Mac OS X 10_15')} OPR/116.0", "Opera on macOS"),
        (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} CriOS/131.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        ("curl/8.5.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browser_name_includes_the_operating_system(user_agent, words):
    assert browser_name(user_agent) == words
