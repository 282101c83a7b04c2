"""The exercise coach: what may be offered to whom, and how a programme goes on. Plain functions over the content; nothing here reads or writes."""
