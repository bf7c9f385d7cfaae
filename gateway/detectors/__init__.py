"""Sensitivity engines that need a file, a network or a process."""
