"""Write an .eqm file in the formats of other engines. One module a format, its rules by operator beside it."""
