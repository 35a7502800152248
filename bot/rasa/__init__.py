"""What Rasa runs of ours: graph components, importer, policy, tracker store, channel. The only code
that imports rasa."""
