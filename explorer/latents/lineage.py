"""The tree of the pictures that were taken, one a child of another: adding, removing, and where each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.state import Latent, LineageNode

__all__ = [
    "MAX_NODES",
    "Placed",
    "children_of",
    "find_latent",
    "layout",
    "node_of",
    "path_to",
    "with_child",
    "without_subtree",
]

MAX_NODES = 128
"""Most pictures of a lineage; beyond that the oldest that no other is a child of is dropped."""

Lineage = tuple[LineageNode, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a node is drawn: its row is its generation, its column counts from the left."""

    node: LineageNode
    column: int
    row: int


def find_latent(nodes: Lineage, latent: Latent) -> LineageNode | None:
    """Return the newest node with a latent, or None."""
    return next((node for node in reversed(nodes) if node.latent == latent), None)


def node_of(nodes: Lineage, number: int) -> LineageNode | None:
    """Return the node with a number, or None."""
    return next((node for node in nodes if node.number == number), None)


def children_of(nodes: Lineage, number: int) -> Lineage:
    """Return the children of a node, the oldest first; of -1 the nodes without a parent."""
    known = {node.number for node in nodes}
    return tuple(n for n in nodes if (n.parent if n.parent in known else -1) == number)


def path_to(nodes: Lineage, number: int) -> Lineage:
    """Return the way from the first ancestor of a node to the node itself; empty if there is no such node."""
    path: dict[int, LineageNode] = {}
    node = node_of(nodes, number)
    while node is not None and node.number not in path:  # a file may name a circle
        path[node.number] = node
        node = node_of(nodes, node.parent)
    return tuple(reversed(path.values()))


def with_child(nodes: Lineage, parent: Latent, child: Latent, parent_name: str = "", name: str = "") -> Lineage:
    """Return the lineage with a picture that was taken, below its parent, which is added if it is not there.

    A child that its parent has already is not added again. No more than `MAX_NODES` are kept.
    """
    above = find_latent(nodes, parent)
    if above is None:
        above = LineageNode(_next_number(nodes), parent, -1, parent_name)
        nodes = (*nodes, above)
    if not any(node.latent == child for node in children_of(nodes, above.number)):
        nodes = (*nodes, LineageNode(_next_number(nodes), child, above.number, name))
    kept = {node.number for node in path_to(nodes, nodes[-1].number)}
    while len(nodes) > MAX_NODES:
        inner = kept | {node.parent for node in nodes}
        leaf = next((node for node in nodes if node.number not in inner), nodes[0])  # else one long line: its start
        nodes = tuple(node for node in nodes if node is not leaf)
    return nodes


def _next_number(nodes: Lineage) -> int:
    return 1 + max((node.number for node in nodes), default=-1)


def without_subtree(nodes: Lineage, number: int) -> Lineage:
    """Return the lineage without a node and everything below it."""
    gone, level = {number}, [number]
    while level:
        level = [n.number for above in level for n in children_of(nodes, above) if n.number not in gone]
        gone.update(level)
    return tuple(node for node in nodes if node.number not in gone)


def layout(nodes: Lineage) -> tuple[Placed, ...]:
    """Return where each node is drawn: below its parent, at the left end of what is below itself.

    Nodes of a damaged file that are their own ancestors are left out.
    """
    placed: list[Placed] = []
    below: dict[int, list[LineageNode]] = {}
    known = {node.number for node in nodes}
    for node in nodes:
        below.setdefault(node.parent if node.parent in known else -1, []).append(node)
    column = 0
    waiting = [(node, 0, True) for node in reversed(below.get(-1, []))]
    while waiting:  # depth first; a line of 128 generations is no recursion
        node, row, is_first = waiting.pop()
        column += not is_first or (row == 0 and bool(placed))
        placed.append(Placed(node, column, row))
        found: Sequence[LineageNode] = below.get(node.number, [])
        waiting += [(child, row + 1, i == 0) for i, child in reversed(list(enumerate(found)))]
    return tuple(placed)
