"""Small tools that know nothing of generators: writing and opening files, showing foreign text."""
