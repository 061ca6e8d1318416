def test_favicon_is_an_icon_file(client):
    answer = client.get("/favicon.ico", secure=True)
    assert answer.status_code == 200
    assert b"".join(answer).startswith(b"\0\0\1\0")
