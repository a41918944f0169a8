"""Style sheets and scripts travel compressed where the browser takes that, and are the same files."""

import gzip

import pytest

pytestmark = pytest.mark.django_db

SCRIPT = "/static/web/js/run_charts.js"


def body(answer):
    content = b"".join(answer) if answer.streaming else answer.content
    answer.close()
    return content


@pytest.mark.parametrize("path", [SCRIPT, "/static/web/css/tokens.css", "/static/web/vendor/uplot/uPlot.iife.min.js"])
def test_a_file_is_the_same_compressed_or_not(browser, path):
    plain = browser().get(path)
    packed = browser().get(path, **{"accept-encoding": "br, gzip"})
    whole, small = body(plain), body(packed)

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(small) < len(whole) * 0.6
    assert gzip.decompress(small) == whole
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert packed.headers["Last-Modified"] == plain.headers["Last-Modified"]


def test_what_has_not_changed_is_not_sent_again(browser):
    answer = browser().get(SCRIPT, **{"accept-encoding": "gzip"})
    again = browser().get(SCRIPT, **{"accept-encoding": "gzip", "if-modified-since": answer.headers["Last-Modified"]})

    assert again.status_code == 304


def test_a_part_of_a_file_is_a_part_of_the_file(browser):
    part = browser().get(SCRIPT, **{"accept-encoding": "gzip", "range": "bytes=0-9"})

    assert part.status_code == 206
    assert len(body(part)) == 10


def test_pages_are_not_compressed(browser, alice):
    """They show what somebody wrote beside what only the reader may know; sizes must not tell one from the other."""
    assert "Content-Encoding" not in browser(alice).get("/projects/default/runs", **{"accept-encoding": "gzip"}).headers
