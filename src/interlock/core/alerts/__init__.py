"""Alert proof: if this change goes wrong, which alert tells, and after how long."""
