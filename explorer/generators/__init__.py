"""The generator families behind one protocol (base.py) and one registry (registry.py)."""
