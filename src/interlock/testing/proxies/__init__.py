"""Real proxies in front of a service of two versions, one file each.

Every proxy is a ``Proxy``: started with the ports of both versions, all traffic on the control. ``settings`` are
what the router plug-in of that name takes to move it.
"""
