"""The wiring of a line as names."""

from __future__ import annotations

import pytest

from cellfab.config.line_graph import givers, ties

FEEDS = [("a", ("a",)), (("a", "b"), ("a", "b")), ({"a": 1, "b": 3}, ("a", "b"))]


@pytest.mark.parametrize(("feed", "names"), FEEDS)
def test_givers_are_the_names_in_a_feed_in_the_order_written(feed, names):
    assert givers(feed) == names == tuple(tie.giver for tie in ties(("line",), feed))
