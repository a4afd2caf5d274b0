"""The window, in folders by what the user sees; `controls/bindings.py` alone binds both ways."""
