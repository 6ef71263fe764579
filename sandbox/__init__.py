"""A stand-in for Airtel CCP: speaks the click-to-call specification over real HTTP.

Start it with ``python -m sandbox`` or embed it: ``from sandbox.server import Sandbox``.
"""
