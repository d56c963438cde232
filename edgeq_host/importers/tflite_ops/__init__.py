"""One rule per operator of TFLite; table.py lists them."""
