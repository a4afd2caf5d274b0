"""The window's panels: one panel a file; bindings.py is the only place that binds both ways."""
