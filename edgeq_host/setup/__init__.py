"""Make a device ready: the Python package of the runtime there, and services that keep a program running."""
