"""What is put away, kept from being put away, and gone: holds, the bin, tombstones, deletions of many things at once, usage."""
