from . import compared
