"""Words and vectors: normal form, spelling, the sentence encoder. Nothing here knows Rasa."""
