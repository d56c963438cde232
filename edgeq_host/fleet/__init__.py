"""The same work on several devices: in parallel, with what came of it for each."""
