"""No module of the package imports itself in a roundabout way, not even for its types."""

from __future__ import annotations

import grimp
import pytest


def _circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one module (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(imports.get(module, ())):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = stack.index(module)
            if len(circle := stack[at:]) > 1:
                circles.append(sorted(circle))
            del stack[at:]

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return circles


@pytest.mark.parametrize(
    ("imports", "circles"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b", "a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_circles_are_found(imports: dict[str, set[str]], circles: list[list[str]]) -> None:
    assert _circles(imports) == circles


def test_no_circle_of_imports() -> None:
    graph = grimp.build_graph("explorer", exclude_type_checking_imports=False, cache_dir=None)
    modules = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(modules) > 300
    assert not _circles(modules)
