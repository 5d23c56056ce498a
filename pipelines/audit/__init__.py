"""Whether an output is what its manifests say: files, checksums, counts, schemas, documents.

A file at a time and by columns: memory does not grow with the output, and of the texts nothing is
decoded. The first thing that is not so is raised as a
:class:`pipelines.audit.discrepancy.DiscrepancyError`.
"""
