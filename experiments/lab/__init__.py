"""The lab study: a folder that PsychoPy plays without mien, and its sessions brought back."""
