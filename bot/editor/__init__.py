"""The editors' desk: the web pages at /editor, for people who are signed in. docs/editor.md says
how a page is made."""
