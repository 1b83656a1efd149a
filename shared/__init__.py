"""The kernel that every service stands on; it knows no business nouns outside `contracts`."""
