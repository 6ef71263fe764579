from . import cards, export, recording, webhook
