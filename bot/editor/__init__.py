"""The editors' desk: the web pages at /editor, for people who are signed in. docs/design.md says
how a page is made."""
