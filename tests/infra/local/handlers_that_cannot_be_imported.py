"""A module with handlers that need a library that is not there."""

import a_library_that_does_not_exist


def handler(event, context):
    return a_library_that_does_not_exist
