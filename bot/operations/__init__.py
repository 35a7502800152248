"""For whoever runs a site: the doctor, backups, source links, sizes, `bot ask`."""
