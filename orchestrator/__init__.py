"""The control plane for several AI coding instances that work on one repository.

Kept empty of imports: the hook entry imports this package on every edit.
"""

__version__ = "0.1.0"
