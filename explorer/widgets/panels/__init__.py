"""The panels of the side bars, in folders by subject."""
