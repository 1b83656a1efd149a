"""Tables and SQL. Everything here is set-based and takes the time as an argument."""
