"""Edits of w: the bars of the editor and steps along directions."""
