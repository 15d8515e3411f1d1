"""How fast each server may be asked, kept in Redis for all workers on all machines."""
