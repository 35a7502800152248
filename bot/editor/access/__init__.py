"""Who may enter the desk: signing in, passwords, people, single sign-on."""
