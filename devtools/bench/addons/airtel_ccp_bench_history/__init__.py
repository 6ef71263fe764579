from . import models
from .hooks import copy_rights
