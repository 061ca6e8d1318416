def test_browser_that_asks_for_an_icon_gets_one(client):
    answer = client.get("/favicon.ico", secure=True)
    assert answer.status_code == 200
    assert b"".join(answer).startswith(b"\0\0\1\0")
