"""A walk's frames as a sequence of pictures, and as a film."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

from explorer.animation.film import FilmRenderer, whole_film
from explorer.animation.formats import format_of_path
from explorer.animation.job import FilmJob
from explorer.animation.player import Player, time_in_timeline
from explorer.animation.recorder import Recorder
from explorer.api.picture import Picture, picture_of

if TYPE_CHECKING:
    from explorer.animation.formats import Quality
    from explorer.animation.recorder import Progress
    from explorer.assets.table import AssetTable
    from explorer.render.headless import HeadlessRenderer
    from explorer.render.results import ModelInfo
    from explorer.state import ExplorerState

__all__ = ["Walk"]


class Walk(Sequence[Picture]):
    """A walk's frames as a sequence of lazily rendered pictures, from `Model.walk`.

    Attributes:
        state: The project, which `explorer.project.document.write_project` saves and the window opens.
    """

    def __init__(
        self, state: ExplorerState, renderer: HeadlessRenderer, model_info: ModelInfo, table: AssetTable
    ) -> None:
        self.state, self._opened, self._table = state, (renderer, model_info), table
        self._film, self._player = whole_film(state), Player(state)

    def __len__(self) -> int:
        return self._film.frames

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> list[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | list[Picture]:
        """Return frame `index`, or the frames of a slice. Raises IndexError."""
        numbers = range(len(self))[index]
        return self._frame(numbers) if isinstance(numbers, int) else [self._frame(number) for number in numbers]

    def __iter__(self) -> Iterator[Picture]:
        return map(self._frame, range(len(self)))

    def _frame(self, number: int) -> Picture:
        time = self._film.time_of(number)
        position = time_in_timeline(self.state.timeline, time)
        look = self._player.at(time).shared
        return picture_of(self._opened[0].render_look(look, time=position, table=self._table))

    def save(
        self,
        path: str | Path,
        *,
        height: int = 0,
        quality: Quality = "good",
        overwrite: bool = False,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Path:
        """Render the film and return its path. An interrupted film is resumed when it is saved to the same path.

        The project is embedded in the film: the window can open it, with its timeline.

        Args:
            path: Path with one of the suffixes .mp4, .mkv, .webm, .gif, .webp, .apng.
            height: Height in pixels, 16..8192; 0: that of the network (GIF: 256).
            quality: "draft", "good" or "best".
            overwrite: Whether to replace an existing film.
            progress: Called periodically from this thread.

        Raises:
            FilmError: The film already exists, or cannot be written.
            UsageError: The format or height is not supported.
        """
        kind = format_of_path(Path(path))
        film = whole_film(self.state, format=kind.key, side=height or kind.side, quality=quality)

        renderer = partial(FilmRenderer, open_with=lambda model, settings: self._opened)  # not read again
        job = FilmJob(Path(path), film, self.state, self._table, self._opened[0].settings)
        return Recorder(job, overwrite=overwrite, make_renderer=renderer).run(progress)
