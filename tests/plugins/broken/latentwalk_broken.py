"""A plug-in that fails when it is imported."""

import a_package_that_nobody_has  # type: ignore[import-not-found]

FAMILY = READER = a_package_that_nobody_has.anything
