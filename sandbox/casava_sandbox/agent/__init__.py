"""The program inside the sandbox: performs file, text and process syscalls over one framed stream.

Standard library only, python3 >= 3.8: it runs in whatever image the person has.
"""
