"""The gateway: the public web service. Rasa and the actions stay private behind it."""
