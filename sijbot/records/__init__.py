"""What is kept: the lock, the safety log and hand-off records. The only part that imports SQLAlchemy."""
