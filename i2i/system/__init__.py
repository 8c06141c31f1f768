"""What is asked of the machine: files, processes, devices."""
