"""Cases: opened and closed by assessments, decided by people."""
