"""The main window: menus, side bars, files, and alerts."""
