from . import cards, export, recording, route, webhook
