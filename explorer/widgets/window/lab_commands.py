"""What the Lab menu does; everything that changes the picture goes through the session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from explorer.errors import LatentwalkError
from explorer.util.user_folders import home_folder
from explorer.widgets.controls.save_dialog import ask_file
from explorer.widgets.window.part import WindowPart

__all__ = ["LabCommands"]


class LabCommands(WindowPart):
    """The commands of the sticking lab."""

    def toggle_scan(self) -> None:
        """The slit-scans under the pictures, or none."""
        self.session.lab.edit("Slit-scan", scan=not self.session.state.lab.scan)

    def toggle_follow(self) -> None:
        """The line moves and turns with the picture, or stands still."""
        slit = self.session.state.lab.slit
        self.session.lab.set_slit(replace(slit, follows=not slit.follows))

    def clear_scan(self) -> None:
        """Begin the slit-scans anew."""
        self.session.lab.clear_scan()

    def ask_save_scan(self) -> None:
        """Ask for a file and save the slit-scans with the project inside."""
        try:
            self.session.lab.check_scan()
        except LatentwalkError as error:
            self.window.show_problem(error)
            return
        start = home_folder() / f"slit-scan-seed{self.session.look().latent.seed}.png"
        path = ask_file(self.window, "Save slit-scan", start, "Pictures", ".png")
        if path is not None:
            self.save_scan(path)

    def save_scan(self, path: Path) -> None:
        """Save the slit-scans with the project inside."""
        try:
            self.session.lab.save_scan(path)
        except LatentwalkError as error:
            self.window.show_problem(error)

    def toggle_average(self) -> None:
        """The mean of neighbours instead of the picture, or the picture again."""
        on = self.session.state.lab.average == "none"
        self.session.lab.edit("Average", average="neighbours" if on else "none")
        if on:
            self.window.reveal("sticking")

    def toggle_undone(self) -> None:
        """The motion undone, or as it is."""
        t = self.session.look().transform
        self.session.set_transform(untransform=not t.untransform, residual="none")

    def toggle_heat(self) -> None:
        """Where the picture does not follow its motion, or the picture again."""
        t = self.session.look().transform
        self.session.set_transform(residual="none" if t.residual == "heat" else "heat")

    def tour(self) -> None:
        """Begin the guided tour, or end it."""
        self.session.lab.set_tour(0 if self.session.state.lab.tour else 1)
