"""The timeline under the pictures."""
