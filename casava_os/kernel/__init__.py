"""The walk of a request: compile, judge, run in the layer, show, commit. Knows protocols, no concrete part."""
