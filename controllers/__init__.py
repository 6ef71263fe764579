from . import cards, recording, webhook
