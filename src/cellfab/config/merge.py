"""Laying one configuration over another.

A configuration is a stack of layers: the files under `extends`, the file itself, then each `--set`. They are folded
from the bottom up by `merge`, so there is only one order of evaluation and no question of associativity. The rules:

* mappings are merged key by key; anything else (numbers, texts, lists) is replaced;
* `key: !delete` removes what lies below, and is an error if there is nothing;
* where `kind`, `law` or `format` changes, the mapping is replaced as a whole, because the keys of one law mean nothing
  to another: `{law: exponential, mean_s: 60}` over `{law: deterministic, value_s: 5}` must not leave a stray `value_s`.
  Where `step` changes, the `params` beside it are dropped for the same reason. A mapping that names none of them
  changes the one below;
* a mapping with its own `extends` replaces what lies below, for the same reason;
* `{value, low, high, distribution, source}` is one value with a note, so a new value never inherits the source of the
  old one.

Merging is associative for mappings without `!delete`, `kind`, `law`, `format` and `step`; with them only the fold from
the bottom has a meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from cellfab.config.problems import Location, Problem, Source, did_you_mean
from cellfab.config.tree_path import TreePath, dotted
from cellfab.config.yaml_reader import Deletion, Mapping, Node, Scalar, Sequence

DISCRIMINATORS = ("kind", "law", "format")
"""Keys that say which other keys a mapping has."""
SOURCED_KEYS = frozenset(("value", "low", "high", "distribution", "source"))


def fold(layers: Iterable[Mapping], problems: list[Problem]) -> Mapping:
    """Lay mappings over each other, the lowest first."""
    return reduce(lambda below, above: merge(below, above, problems), layers, Mapping({}, {}, Location(Source(""))))


def merge(below: Mapping, above: Mapping, problems: list[Problem], path: TreePath = ()) -> Mapping:
    """Lay `above` over `below` and return the result; neither is changed.

    Parameters
    ----------
    below, above : Mapping
        The layers.
    problems : list of Problem
        Gets a problem for each `!delete` that finds nothing.
    path : TreePath
        Where the two mappings stand, for messages.
    """
    replaced = _changed(below, above, DISCRIMINATORS)
    if (replaced is not None or above.fresh) and below.items:
        result = merge(Mapping({}, {}, above.location), above, problems, path)
        result.replaced = replaced or below.location
        return result
    items, keys = dict(below.items), dict(below.keys)
    if _changed(below, above, ("step",)) is not None:
        items.pop("params", None)
        keys.pop("params", None)
    for name, node in above.items.items():
        old = items.get(name)
        if isinstance(node, Deletion):
            if old is None:
                hint = did_you_mean(name, items)
                problems.append(Problem(above.keys[name], dotted((*path, name)), "there is nothing to delete", hint))
            else:
                del items[name], keys[name]
            continue
        if isinstance(node, Mapping):
            start = old if isinstance(old, Mapping) else Mapping({}, {}, node.location)
            items[name] = child = merge(start, node, problems, (*path, name))
            child.note = node.note
            if start is old and child.replaced is None:
                continue
        else:
            items[name] = _list_without_deletions(node, problems, (*path, name))
        keys[name] = above.keys[name]
    return Mapping(items, keys, below.location if below.items else above.location, replaced=below.replaced)


def _changed(below: Mapping, above: Mapping, words: tuple[str, ...]) -> Location | None:
    """Where `below` chose another value for one of the words than `above` does; None if they agree or one is silent."""
    for word in words:
        old, new = below.items.get(word), above.items.get(word)
        if isinstance(old, Scalar) and isinstance(new, Scalar) and old.value != new.value:
            return old.location
    return None


def _list_without_deletions(node: Scalar | Sequence, problems: list[Problem], path: TreePath) -> Node:
    if isinstance(node, Scalar):
        return node
    items: list[Node] = []
    for position, item in enumerate(node.items):
        if isinstance(item, Deletion):
            hint = "a list replaces the list below it as a whole: leave the item out"
            problems.append(Problem(item.location, dotted((*path, position)), "!delete works on keys only", hint))
        elif isinstance(item, Mapping):
            items.append(merge(Mapping({}, {}, item.location), item, problems, (*path, position)))
        else:
            items.append(_list_without_deletions(item, problems, (*path, position)))
    return Sequence(items, node.location, node.note)


def unwrap_sourced(node: Node) -> Node:
    """Take values out of `{value, low, high, ...}` all over a tree, keeping the mapping as the value's `note`."""
    if isinstance(node, Sequence):
        node.items = [unwrap_sourced(item) for item in node.items]
    elif isinstance(node, Mapping):
        if "value" in node.items and node.items.keys() <= SOURCED_KEYS:
            value = node.items["value"]
            if isinstance(value, Deletion):
                return value
            value = unwrap_sourced(value)
            if not isinstance(value, Deletion) and len(node.items) > 1:
                value.note = node
            return value
        for name, item in node.items.items():
            node.items[name] = unwrap_sourced(item)
    return node
