"""The public web service: the visitor API, the pages, and what runs behind them."""
