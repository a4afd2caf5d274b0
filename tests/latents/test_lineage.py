"""The lineage: children are added below their parents, subtrees removed, and the drawing has no overlap."""

from __future__ import annotations

from explorer.latents.lineage import (
    MAX_NODES,
    children_of,
    find_latent,
    layout,
    path_to,
    with_child,
    without_subtree,
)
from explorer.state import Latent, LineageNode


def tree() -> tuple[LineageNode, ...]:
    """7 has the children 1 and 2, 1 the child 3; 50 is another root, with the child 51."""
    nodes: tuple[LineageNode, ...] = ()
    for parent, child in ((7, 1), (7, 2), (1, 3), (50, 51)):
        nodes = with_child(nodes, Latent(parent), Latent(child), f"seed {parent}", f"child {child}")
    return nodes


def seeds(nodes: tuple[LineageNode, ...]) -> list[int]:
    return [node.latent.seed for node in nodes]


def test_children_are_added_below_their_parents() -> None:
    nodes = tree()
    assert seeds(nodes) == [7, 1, 2, 3, 50, 51]
    assert [node.number for node in nodes] == list(range(6))
    assert seeds(children_of(nodes, -1)) == [7, 50]
    assert seeds(children_of(nodes, 0)) == [1, 2]
    assert seeds(path_to(nodes, 3)) == [7, 1, 3]
    assert (nodes[0].name, nodes[1].name) == ("seed 7", "child 1")


def test_a_child_that_is_there_is_not_added_again() -> None:
    nodes = tree()
    assert with_child(nodes, Latent(7), Latent(2)) == nodes
    assert len(with_child(nodes, Latent(1), Latent(2))) == len(nodes) + 1, "another parent's child"


def test_a_subtree_is_removed_whole() -> None:
    nodes = tree()
    assert seeds(without_subtree(nodes, 1)) == [7, 2, 50, 51]
    assert seeds(without_subtree(nodes, 0)) == [50, 51]
    assert without_subtree(nodes, 99) == nodes


def test_the_newest_node_with_a_latent_is_found() -> None:
    nodes = with_child(tree(), Latent(51), Latent(3))
    found = find_latent(nodes, Latent(3))
    assert found is not None
    assert found.number == 6
    assert find_latent(nodes, Latent(1000)) is None


def test_each_generation_is_a_row_and_no_two_share_a_place() -> None:
    placed = {p.node.latent.seed: (p.column, p.row) for p in layout(tree())}
    assert placed == {7: (0, 0), 1: (0, 1), 3: (0, 2), 2: (1, 1), 50: (2, 0), 51: (2, 1)}
    assert len(set(placed.values())) == len(placed)


def test_beyond_the_limit_the_oldest_leaf_goes_but_never_the_way_to_the_new_one() -> None:
    nodes = tree()
    for seed in range(100, 100 + MAX_NODES):
        nodes = with_child(nodes, Latent(7), Latent(seed))
    assert len(nodes) == MAX_NODES
    assert nodes[0].latent == Latent(7)
    assert nodes[-1].latent == Latent(99 + MAX_NODES)
    assert find_latent(nodes, Latent(2)) is None
    assert len({node.number for node in nodes}) == MAX_NODES


def test_one_long_line_loses_its_start() -> None:
    nodes: tuple[LineageNode, ...] = ()
    for seed in range(2 * MAX_NODES):
        nodes = with_child(nodes, Latent(seed), Latent(seed + 1))
    assert len(nodes) == MAX_NODES
    assert seeds(path_to(nodes, nodes[-1].number)) == list(range(MAX_NODES + 1, 2 * MAX_NODES + 1))
    assert len(layout(nodes)) == MAX_NODES


def test_a_circle_in_a_damaged_file_ends() -> None:
    nodes = (LineageNode(0, Latent(1), 1), LineageNode(1, Latent(2), 0), LineageNode(2, Latent(3)))
    assert seeds(path_to(nodes, 0)) == [2, 1]
    assert [p.node.number for p in layout(nodes)] == [2]
    assert seeds(without_subtree(nodes, 0)) == [3]
    assert layout((LineageNode(0, Latent(1), 9),))[0].row == 0, "a lost parent makes a root"
