"""Commands of the Lab menu; everything that changes the picture goes through the session."""

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
        """Show or hide the slit-scans under the pictures."""
        self.session.lab.edit("Slit-scan", scan=not self.session.state.lab.scan)

    def toggle_follow(self) -> None:
        """Let the line follow the picture's transform, or keep it fixed."""
        slit = self.session.state.lab.slit
        self.session.lab.set_slit(replace(slit, follows=not slit.follows))

    def clear_scan(self) -> None:
        """Clear the slit-scans."""
        self.session.lab.clear_scan()

    def ask_save_scan(self) -> None:
        """Ask for a file and save the slit-scans with the project inside."""
        try:
            self.session.lab.check_scan()
        except LatentwalkError as error:
            self.window.show_problem(error)
            return
        start = home_folder() / f"slit-scan-seed{self.session.look_of().latent.seed}.png"
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
        """Switch between the picture and the mean over neighbouring latents."""
        on = self.session.state.lab.average == "none"
        self.session.lab.edit("Average", average="neighbours" if on else "none")
        if on:
            self.window.reveal("sticking")

    def toggle_undone(self) -> None:
        """Switch between the picture and the picture with its motion undone."""
        t = self.session.look_of().transform
        self.session.look.set_transform(untransform=not t.untransform, residual="none")

    def toggle_heat(self) -> None:
        """Switch between the picture and a heat map of where it does not follow its motion."""
        t = self.session.look_of().transform
        self.session.look.set_transform(residual="none" if t.residual == "heat" else "heat")

    def tour(self) -> None:
        """Start or end the guided tour."""
        self.session.lab.set_tour(0 if self.session.state.lab.tour else 1)
