"""Levels of the automatic layout: the longest path of a drawing is its thread, level 0. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

import networkx as nx


def levels(net: nx.DiGraph[str], order: Sequence[str], column: Mapping[str, int]) -> dict[str, int]:
    """Level of every node: paths of falling length, each on the first level free in its columns."""
    level: dict[str, int] = {}
    taken: list[set[int]] = []
    paths = _Paths(net, order)
    while paths.left:
        path = paths.take_longest()
        span = set(range(column[path[0]], column[path[-1]] + 1))
        free = (i for i, columns in enumerate(taken) if i and not columns & span)
        place = next(free, len(taken)) if taken else 0
        if place == len(taken):
            taken.append(set())
        taken[place] |= span
        level.update(dict.fromkeys(path, place))
    return level


def at_ends(
    net: nx.DiGraph[str], column: Mapping[str, int], level: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Columns and levels with nodes that hang alone below their source's level, as metrics do, at
    its end instead: lanes side by side stay lanes. None where fewer than two hang so.
    """
    ends: dict[int, int] = {}  # the last column of a level
    for id in column:
        ends[level[id]] = max(ends.get(level[id], 0), column[id])
    moved, raised = dict(column), dict(level)
    for id in sorted(net, key=lambda id: (level[id], id)):
        sources = sorted(net.predecessors(id), key=lambda s: net.edges[s, id]["ports"])
        if not sources or net.out_degree(id) or any(level[s] == level[id] for s in sources):
            continue
        lane = level[sources[0]]
        if lane < level[id]:
            ends[lane] += 1
            moved[id], raised[id] = ends[lane], lane
    return (moved, raised) if sum(raised[id] != level[id] for id in net) > 1 else None


class _Paths:
    """Longest paths among the nodes that are `left`; ties follow what goes on, first ports, then
    names.
    """

    def __init__(self, net: nx.DiGraph[str], order: Sequence[str]) -> None:
        self.left = dict.fromkeys(order)  # in topological order
        self._net = net
        self._place = {id: place for place, id in enumerate(order)}
        self._sources = {
            id: sorted(net.predecessors(id), key=lambda s: (net.edges[s, id]["ports"], s))
            for id in order
        }
        self._length: dict[str, int] = {}
        self._before: dict[str, str] = {}
        for id in order:
            self._measure(id)

    def take_longest(self) -> list[str]:
        """The longest path, which is then no longer left."""
        length, fed, feeds = self._length, self._net.in_degree, self._net.out_degree
        end = max(self.left, key=lambda id: (length[id], fed(id) > 0, feeds(id) > 0))
        path = [end]
        while self._before[path[-1]]:
            path.append(self._before[path[-1]])
        for id in path:
            del self.left[id]
        self._shorten(path)
        return path[::-1]

    def _measure(self, id: str) -> bool:
        """The longest way to a node; whether it is another than before."""
        length, before = 1, ""
        for source in self._sources[id]:
            if source in self.left and self._length[source] + 1 > length:
                length, before = self._length[source] + 1, source
        changed = self._length.get(id) != length
        self._length[id], self._before[id] = length, before
        return changed

    def _shorten(self, gone: Iterable[str]) -> None:
        """Measure what lies behind nodes that are gone."""
        behind = {target for id in gone for target in self._net.succ[id]}
        heap = [(self._place[id], id) for id in behind if id in self.left]
        heapify(heap)
        queued = {id for _, id in heap}
        while heap:
            _, id = heappop(heap)
            if self._measure(id):
                for target in self._net.succ[id]:
                    if target in self.left and target not in queued:
                        queued.add(target)
                        heappush(heap, (self._place[target], target))
