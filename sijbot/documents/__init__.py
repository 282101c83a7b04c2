"""Pages to show, hand over or print: a summary for a clinician, a sheet of exercises, the chart of the diary, a copy of everything."""
