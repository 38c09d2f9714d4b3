"""What is measured, each with the same input every time."""
